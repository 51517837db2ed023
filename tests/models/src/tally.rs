//! More workers than tallies: two of them count in the same one. No count is lost.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::sync::atomic::Ordering::Relaxed;
            use shuttle::thread;
            use subject::{Tallies, Tally};

            crate::subject!(subject, $file);

            pub(crate) fn no_count_is_lost() {
                let tallies = Arc::new(Tallies::new(1).expect("nothing is refused here"));
                let workers: Vec<_> = (0..2)
                    .map(|place| {
                        let tallies = tallies.clone();
                        thread::spawn(move || (0..2).for_each(|_| Tally::add(&tallies.of(place).requests, 1)))
                    })
                    .collect();
                workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
                assert_eq!(tallies.of(0).requests.load(Relaxed), 4);
            }
        }
    };
}

model!(right, "tally");
model!(reads_then_writes, "tally_reads_then_writes");

#[test]
fn no_count_is_lost_in_any_order() {
    crate::in_every_order(right::no_count_is_lost);
}

#[test]
fn it_is_found_when_a_count_is_read_and_then_written() {
    crate::finds_the_mistake(reads_then_writes::no_count_is_lost);
}
