//! Two connections take from a budget that is enough for one and a half of them, take more, give back and end. Whatever
//! the order: what is held is never more than the budget, and in the end it is nothing.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::thread;
            use subject::{MemoryBudget, Purpose};

            crate::subject!(subject, $file);

            const BUDGET: usize = 12;

            pub(crate) fn the_budget_holds() {
                let memory = Arc::new(MemoryBudget::new(BUDGET, 0).expect("nothing is refused here"));
                let connections: Vec<_> = (0..2)
                    .map(|_| {
                        let memory = memory.clone();
                        thread::spawn(move || {
                            let Some(mut lease) = memory.lease(4, Purpose::Connection) else { return };
                            lease.cover(8, Purpose::Connection);
                            assert!(memory.held() <= BUDGET as u64, "more is held than there is");
                            lease.cover(2, Purpose::Connection);
                        })
                    })
                    .collect();
                connections.into_iter().for_each(|connection| connection.join().expect("no panic"));
                assert_eq!(memory.held(), 0, "something was not given back");
                assert!(memory.peak() <= BUDGET as u64);
            }
        }
    };
}

model!(right, "memory");
model!(looks_then_takes, "memory_looks_then_takes");
model!(gives_less_back, "memory_gives_less_back");

#[test]
fn the_budget_holds_in_all_orders_tried() {
    crate::in_many_orders(right::the_budget_holds);
}

#[test]
fn it_is_found_when_a_look_comes_before_the_taking() {
    crate::finds_the_mistake(looks_then_takes::the_budget_holds);
}

#[test]
fn it_is_found_when_less_is_given_back_than_was_taken() {
    crate::finds_the_mistake(gives_less_back::the_budget_holds);
}
