//! More workers than tallies: two of them count in the same one. No count is lost. And of two workers that must pause
//! at the same moment, one tells of it.

macro_rules! model {
    ($name:ident, $file:literal) => {
        // A mistake concerns one of the two models.
        #[allow(dead_code)]
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

            pub(crate) fn one_of_them_tells() {
                let tallies = Arc::new(Tallies::new(1).expect("nothing is refused here"));
                let workers: Vec<_> = (0..2)
                    .map(|_| {
                        let tallies = tallies.clone();
                        thread::spawn(move || tallies.pause(1_000))
                    })
                    .collect();
                let told = workers.into_iter().filter_map(|worker| worker.join().expect("no panic")).count();
                assert_eq!(told, 1);
            }
        }
    };
}

model!(right, "tally");
model!(reads_then_writes, "tally_reads_then_writes");
model!(everybody_tells, "tally_everybody_tells");

#[test]
fn no_count_is_lost_in_any_order() {
    crate::in_every_order(right::no_count_is_lost);
}

#[test]
fn it_is_found_when_a_count_is_read_and_then_written() {
    crate::finds_the_mistake(reads_then_writes::no_count_is_lost);
}

#[test]
fn one_tells_in_every_order() {
    crate::in_every_order(right::one_of_them_tells);
}

#[test]
fn it_is_found_when_everybody_tells() {
    crate::finds_the_mistake(everybody_tells::one_of_them_tells);
}
