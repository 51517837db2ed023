//! The queue of `/queues/N` against a simple model: lists that are searched from the front.

use dyno_servers::services::queue::{Attempt, Number, Queue};
use proptest::prelude::*;

const PLACES: usize = 3;
const MOST_WAITING: usize = 4;

/// What can be done to a queue. `Who` is one of those who have waited, counted from the first.
#[derive(Debug, Clone, Copy)]
enum Action {
    Put { waits: bool },
    Take { waits: bool },
    GoOn { who: usize },
    Leave { who: usize },
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        3 => any::<bool>().prop_map(|waits| Action::Put { waits }),
        3 => any::<bool>().prop_map(|waits| Action::Take { waits }),
        2 => (0..40usize).prop_map(|who| Action::GoOn { who }),
        2 => (0..40usize).prop_map(|who| Action::Leave { who }),
    ];
    prop::collection::vec(action, 0..120)
}

/// What is known of one who has waited.
#[derive(Debug, Clone, PartialEq)]
enum Stand {
    WantsItem,
    WantsPlace(u32),
    /// This was handed over.
    Owns(u32),
    /// What was brought has its place.
    Placed,
    Gone,
}

#[derive(Debug, Default)]
struct Model {
    /// The items that have a place, in the order in which they were put: an item's value is its number in that order.
    items: Vec<u32>,
    /// Those who have waited, in the order in which they came.
    stands: Vec<(Number, Stand)>,
    put: u32,
    taken: Vec<u32>,
    /// Who was to be called since the last look.
    called: Vec<Number>,
}

impl Model {
    fn waiting(&self) -> usize {
        let waits = |stand: &&(Number, Stand)| matches!(stand.1, Stand::WantsItem | Stand::WantsPlace(_));
        self.stands.iter().filter(waits).count()
    }

    /// As long as something can be given to somebody, it is, the first first.
    fn settle(&mut self) {
        loop {
            let wants_item = self.stands.iter().position(|stand| stand.1 == Stand::WantsItem);
            if let (Some(who), false) = (wants_item, self.items.is_empty()) {
                self.stands[who].1 = Stand::Owns(self.items.remove(0));
                self.called.push(self.stands[who].0);
                continue;
            }
            let wants_place = self.stands.iter().position(|stand| matches!(stand.1, Stand::WantsPlace(_)));
            if let (Some(who), true) = (wants_place, self.items.len() < PLACES) {
                let Stand::WantsPlace(item) = self.stands[who].1 else { unreachable!("just matched") };
                self.items.push(item);
                self.stands[who].1 = Stand::Placed;
                self.called.push(self.stands[who].0);
                continue;
            }
            return;
        }
    }
}

/// A place in the list, if anybody has waited.
fn pick(model: &Model, who: usize) -> Option<usize> {
    (!model.stands.is_empty()).then(|| who % model.stands.len())
}

fn step(queue: &mut Queue<u32, Number>, model: &mut Model, action: Action) -> Result<(), TestCaseError> {
    // Each is called by his own number, which he learns only when he waits: so he tells it when he goes on.
    const UNKNOWN: Number = 0;
    let mut called = None;
    match action {
        Action::Put { waits } => {
            let item = model.put + 1;
            let has_place = model.items.len() < PLACES;
            match queue.put(item, waits.then_some(UNKNOWN)) {
                Attempt::Done((), who) => {
                    prop_assert!(has_place);
                    model.put = item;
                    model.items.push(item);
                    called = who;
                }
                Attempt::Waits(number) => {
                    prop_assert!(!has_place && waits && model.waiting() < MOST_WAITING);
                    prop_assert!(!queue.is_placed(number, number), "there is no place");
                    model.put = item;
                    model.stands.push((number, Stand::WantsPlace(item)));
                }
                Attempt::Refused => {
                    prop_assert!(!has_place && (!waits || model.waiting() >= MOST_WAITING));
                }
            }
        }
        Action::Take { waits } => match queue.take(waits.then_some(UNKNOWN)) {
            Attempt::Done(item, who) => {
                prop_assert_eq!(Some(item), model.items.first().copied(), "the first item comes first");
                model.items.remove(0);
                model.taken.push(item);
                called = who;
            }
            Attempt::Waits(number) => {
                prop_assert!(model.items.is_empty() && waits && model.waiting() < MOST_WAITING);
                prop_assert_eq!(queue.pick_up(number, number), None);
                model.stands.push((number, Stand::WantsItem));
            }
            Attempt::Refused => {
                prop_assert!(model.items.is_empty() && (!waits || model.waiting() >= MOST_WAITING));
            }
        },
        Action::GoOn { who } => {
            let Some(who) = pick(model, who) else { return Ok(()) };
            let (number, stand) = model.stands[who].clone();
            match stand {
                Stand::WantsItem => prop_assert_eq!(queue.pick_up(number, number), None),
                Stand::WantsPlace(_) => prop_assert!(!queue.is_placed(number, number)),
                Stand::Owns(item) => {
                    prop_assert_eq!(queue.pick_up(number, number), Some(item));
                    prop_assert_eq!(queue.pick_up(number, number), None, "once");
                    model.taken.push(item);
                    model.stands[who].1 = Stand::Gone;
                }
                Stand::Placed => prop_assert!(queue.is_placed(number, number)),
                Stand::Gone => prop_assert_eq!(queue.pick_up(number, number), None),
            }
        }
        Action::Leave { who } => {
            let Some(who) = pick(model, who) else { return Ok(()) };
            let (number, stand) = model.stands[who].clone();
            called = queue.leave(number);
            if let Stand::Owns(item) = stand {
                // It goes back to its place among the others.
                let at = model.items.iter().position(|other| *other > item).unwrap_or(model.items.len());
                model.items.insert(at, item);
            }
            model.stands[who].1 = Stand::Gone;
        }
    }
    model.settle();
    prop_assert_eq!(called.into_iter().collect::<Vec<_>>(), std::mem::take(&mut model.called));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_is_lost_or_doubled_and_everybody_is_served_in_turn(actions in actions()) {
        let mut queue = Queue::new(PLACES, MOST_WAITING);
        let mut model = Model::default();
        for action in actions {
            step(&mut queue, &mut model, action)?;
            let owned = model.stands.iter().filter(|stand| matches!(stand.1, Stand::Owns(_))).count();
            let takers = model.stands.iter().filter(|stand| stand.1 == Stand::WantsItem).count();
            prop_assert_eq!(queue.items(), model.items.len());
            prop_assert_eq!(queue.handed(), owned);
            prop_assert_eq!((queue.takers(), queue.takers() + queue.putters()), (takers, model.waiting()));
            let counts = queue.counts();
            prop_assert_eq!(counts.put, counts.taken + (model.items.len() + owned) as u64);
            prop_assert_eq!(counts.taken, model.taken.len() as u64);
        }
        let mut once = model.taken.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), model.taken.len(), "something was taken twice");
    }
}
