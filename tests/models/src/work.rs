//! Two callers need the rounds of a microsecond at once, and each measures something else. All callers get one figure,
//! then and later.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::Arc;
            use shuttle::thread;
            use subject::WorkRounds;

            crate::subject!(subject, $file);

            pub(crate) fn all_callers_get_one_figure() {
                let rounds = Arc::new(WorkRounds::new(None).expect("nothing is refused here"));
                let callers: Vec<_> = (0..2)
                    .map(|_| {
                        let rounds = rounds.clone();
                        thread::spawn(move || rounds.per_us())
                    })
                    .collect();
                let told: Vec<_> =
                    callers.into_iter().map(|caller| caller.join().expect("no panic")).collect();
                assert_eq!(told, [rounds.per_us(); 2]);
            }
        }
    };
}

model!(right, "work");
model!(the_last_to_finish_decides, "work_the_last_to_finish_decides");
model!(forgets_the_earlier, "work_forgets_the_earlier");

#[test]
fn all_callers_get_one_figure_in_every_order() {
    crate::in_every_order(right::all_callers_get_one_figure);
}

#[test]
fn it_is_found_when_the_last_to_finish_decides() {
    crate::finds_the_mistake(the_last_to_finish_decides::all_callers_get_one_figure);
}

#[test]
fn it_is_found_when_a_caller_keeps_its_own_figure() {
    crate::finds_the_mistake(forgets_the_earlier::all_callers_get_one_figure);
}
