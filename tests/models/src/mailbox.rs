//! A loop sleeps until its wakeup is readable, and takes posts until there is none. Whatever the order: every post is
//! taken, and the loop does not wake for ever when nothing is left to do.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::thread;
            use subject::Mailbox;

            crate::subject!(subject, $file);

            const POSTS: usize = 2;

            pub(crate) fn every_post_is_taken() {
                let mailbox = Arc::new(Mailbox::new().expect("nothing is refused here"));
                let senders: Vec<_> = (0..POSTS)
                    .map(|post| {
                        let mailbox = mailbox.clone();
                        thread::spawn(move || mailbox.post(post))
                    })
                    .collect();
                let mut taken = Vec::new();
                while taken.len() < POSTS {
                    // A post that nobody signals leaves every thread asleep, and the scheduler says so.
                    mailbox.wakeup().wait_until_readable();
                    taken.extend(std::iter::from_fn(|| mailbox.take()));
                }
                senders.into_iter().for_each(|sender| sender.join().expect("no panic"));
                taken.sort_unstable();
                assert_eq!(taken, [0, 1]);
                // One further turn at most, and then the loop sleeps.
                assert_eq!(mailbox.take(), None);
                assert!(!mailbox.wakeup().is_readable(), "the loop would turn without an end");
            }
        }
    };
}

model!(right, "mailbox");
model!(without_the_last_look, "mailbox_without_the_last_look");
model!(signals_before_it_posts, "mailbox_signals_before_it_posts");
model!(leaves_the_wakeup_signalled, "mailbox_leaves_the_wakeup_signalled");
model!(takes_the_signal_back_before_it_reads, "mailbox_takes_the_signal_back_before_it_reads");

#[test]
fn every_post_is_taken_in_all_orders_tried() {
    crate::in_many_orders(right::every_post_is_taken);
}

#[test]
fn it_is_found_when_the_last_look_is_missing() {
    crate::finds_the_mistake(without_the_last_look::every_post_is_taken);
}

#[test]
fn it_is_found_when_the_signal_comes_before_the_post() {
    crate::finds_the_mistake(signals_before_it_posts::every_post_is_taken);
}

#[test]
fn it_is_found_when_the_wakeup_stays_signalled() {
    crate::finds_the_mistake(leaves_the_wakeup_signalled::every_post_is_taken);
}

#[test]
fn it_is_found_when_the_signal_is_taken_back_before_the_wakeup_is_read() {
    crate::finds_the_mistake(takes_the_signal_back_before_it_reads::every_post_is_taken);
}
