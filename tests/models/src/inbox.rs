//! A loop sleeps until its wakeup is readable, and takes answers until there is none. Whatever the order: every answer
//! is taken, and the loop does not wake for ever when nothing is left to do.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::thread;
            use subject::ReplyInbox;

            crate::subject!(subject, $file);

            const ANSWERS: usize = 2;

            pub(crate) fn every_answer_is_taken() {
                let inbox = Arc::new(ReplyInbox::new().expect("nothing is refused here"));
                let workers: Vec<_> = (0..ANSWERS)
                    .map(|ticket| {
                        let inbox = inbox.clone();
                        thread::spawn(move || inbox.post(ticket, ()))
                    })
                    .collect();
                let mut taken = Vec::new();
                while taken.len() < ANSWERS {
                    // An answer that nobody signals leaves every thread asleep, and the scheduler says so.
                    inbox.wakeup().wait_until_readable();
                    taken.extend(std::iter::from_fn(|| inbox.take()).map(|(ticket, ())| ticket));
                }
                workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
                taken.sort_unstable();
                assert_eq!(taken, [0, 1]);
                // One further turn at most, and then the loop sleeps.
                assert_eq!(inbox.take(), None);
                assert!(!inbox.wakeup().is_readable(), "the loop would turn without an end");
            }
        }
    };
}

model!(right, "inbox");
model!(without_the_last_look, "inbox_without_the_last_look");
model!(signals_before_it_posts, "inbox_signals_before_it_posts");
model!(leaves_the_wakeup_signalled, "inbox_leaves_the_wakeup_signalled");
model!(takes_the_signal_back_before_it_reads, "inbox_takes_the_signal_back_before_it_reads");

#[test]
fn every_answer_is_taken_in_all_orders_tried() {
    crate::in_many_orders(right::every_answer_is_taken);
}

#[test]
fn it_is_found_when_the_last_look_is_missing() {
    crate::finds_the_mistake(without_the_last_look::every_answer_is_taken);
}

#[test]
fn it_is_found_when_the_signal_comes_before_the_answer() {
    crate::finds_the_mistake(signals_before_it_posts::every_answer_is_taken);
}

#[test]
fn it_is_found_when_the_wakeup_stays_signalled() {
    crate::finds_the_mistake(leaves_the_wakeup_signalled::every_answer_is_taken);
}

#[test]
fn it_is_found_when_the_signal_is_taken_back_before_the_wakeup_is_read() {
    crate::finds_the_mistake(takes_the_signal_back_before_it_reads::every_answer_is_taken);
}
