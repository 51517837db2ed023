//! Prepares the sources under test: each as it is, but on `shuttle`'s atomics and the stand-ins of `src/stand_in.rs`,
//! and once more for each planted mistake.
//!
//! A replacement that does not fit exactly once ends the build, so that no plant gets lost when a source changes.

use std::path::Path;
use std::{env, fs};

/// A source, what is put in the place of what it uses, and the mistakes planted in it.
struct Subject {
    /// The file, seen from the workspace.
    path: &'static str,
    /// The name of the prepared file, without its ending.
    name: &'static str,
    /// What it uses, and the stand-in.
    stand_ins: &'static [(&'static str, &'static str)],
    plants: &'static [Plant],
}

/// One mistake: its name, and what is right and what stands there instead.
struct Plant {
    name: &'static str,
    edits: &'static [(&'static str, &'static str)],
}

const SUBJECTS: &[Subject] = &[
    Subject {
        path: "servers/src/drivers/mailbox.rs",
        name: "mailbox",
        stand_ins: &[
            ("std::os::fd::{AsFd, BorrowedFd}", "crate::stand_in::{AsFd, BorrowedFd}"),
            ("std::sync::atomic::", "shuttle::sync::atomic::"),
            ("crossbeam::queue::SegQueue", "crate::stand_in::SegQueue"),
            ("nix::sys::eventfd::{EfdFlags, EventFd}", "crate::stand_in::{EfdFlags, EventFd}"),
        ],
        plants: &[
            Plant {
                name: "without_the_last_look",
                edits: &[("more.\n        self.posts.pop()", "more.\n        None")],
            },
            Plant {
                name: "signals_before_it_posts",
                edits: &[
                    ("        self.posts.push(post);\n        if", "        if"),
                    (
                        "self.wakeup.write(1);\n        }\n",
                        "self.wakeup.write(1);\n        }\n        self.posts.push(post);\n",
                    ),
                ],
            },
            Plant { name: "leaves_the_wakeup_signalled", edits: &[(" && self.wakeup.read().is_ok()", "")] },
            Plant {
                name: "takes_the_signal_back_before_it_reads",
                edits: &[
                    (
                        "if self.signalled.load(SeqCst) && self.wakeup.read().is_ok() {",
                        "if self.signalled.swap(false, SeqCst) {",
                    ),
                    (
                        "            self.signalled.store(false, SeqCst);\n",
                        "            let _ = self.wakeup.read();\n",
                    ),
                ],
            },
        ],
    },
    Subject {
        path: "servers/src/services/queue.rs",
        name: "queue",
        stand_ins: &[("Eq, serde::Serialize)]", "Eq)]")],
        plants: &[
            // A lost wakeup.
            Plant {
                name: "does_not_call_who_is_served",
                edits: &[(
                    "self.handed.insert(taker, (number, item));\n                Some(caller)",
                    "self.handed.insert(taker, (number, item));\n                drop(caller);\n                None",
                )],
            },
            // A double hand-over.
            Plant {
                name: "takes_without_removing",
                edits: &[
                    ("impl<T, C> Queue<T, C> {", "impl<T: Clone, C> Queue<T, C> {"),
                    (
                        "if let Some((_, item)) = self.items.pop_first() {",
                        "if let Some(item) = self.items.first_key_value().map(|(_, item)| item.clone()) {",
                    ),
                ],
            },
            // Forgotten waiters, at either end.
            Plant {
                name: "keeps_what_was_handed_to_who_left",
                edits: &[(
                    "return self.give(item_number, item);",
                    "drop((item_number, item));\n            return None;",
                )],
            },
            Plant {
                name: "gives_a_free_place_to_nobody",
                edits: &[("return Attempt::Done(item, self.admit());", "return Attempt::Done(item, None);")],
            },
            Plant {
                name: "does_not_call_who_has_got_a_place",
                edits: &[(
                    "self.place(item);\n        Some(caller)",
                    "self.place(item);\n        drop(caller);\n        None",
                )],
            },
        ],
    },
    Subject {
        path: "servers/src/kit/marks.rs",
        name: "marks",
        // A table of one block of one place: the scheduler need not try orders between places that nobody uses.
        stand_ins: &[
            ("std::sync::atomic::", "shuttle::sync::atomic::"),
            ("MARKS_SPREAD: usize = 64 * 64", "MARKS_SPREAD: usize = 1"),
        ],
        plants: &[
            Plant {
                name: "does_not_look_after_marking",
                edits: &[("if mark == Mark::Idle && self.is_requested() {", "if false {")],
            },
            Plant {
                name: "looks_before_marking",
                edits: &[
                    (
                        "        slot.store(mark as u8, SeqCst);\n",
                        "        let requested = self.is_requested();\n        slot.store(mark as u8, SeqCst);\n",
                    ),
                    (
                        "if mark == Mark::Idle && self.is_requested() {",
                        "if mark == Mark::Idle && requested {",
                    ),
                ],
            },
            Plant {
                name: "passes_over_the_idle",
                edits: &[("mark == Mark::Idle as u8 ||", "mark == Mark::Free as u8 ||")],
            },
        ],
    },
    Subject {
        path: "servers/src/kit/tally.rs",
        name: "tally",
        stand_ins: &[
            ("std::sync::atomic::", "shuttle::sync::atomic::"),
            ("crate::shared::{Shared, Zeroed}", "crate::stand_in::{SharedByThreads as Shared, Zeroed}"),
            ("crate::limits::EXHAUSTED_TOLD_EVERY", "crate::stand_in::EXHAUSTED_TOLD_EVERY"),
        ],
        plants: &[
            Plant {
                name: "reads_then_writes",
                edits: &[(
                    "count.fetch_add(more, Relaxed);",
                    "count.store(count.load(Relaxed) + more, Relaxed);",
                )],
            },
            Plant {
                name: "everybody_tells",
                edits: &[(
                    "told_at_s.compare_exchange(told_at, now_s, Relaxed, Relaxed).is_ok();",
                    "told_at_s.swap(now_s, Relaxed) <= now_s;",
                )],
            },
        ],
    },
    Subject {
        path: "servers/src/kit/memory.rs",
        name: "memory",
        stand_ins: &[
            (
                "use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};",
                "use shuttle::sync::atomic::{AtomicU64, Ordering::Relaxed};\nuse std::sync::atomic::AtomicUsize;",
            ),
            ("crate::shared::Shared", "crate::stand_in::SharedByThreads as Shared"),
        ],
        plants: &[
            Plant {
                name: "looks_then_takes",
                edits: &[(
                    "let Ok(before) = self.counts[HELD].fetch_update(Relaxed, Relaxed, fits) else {",
                    "let before = self.counts[HELD].load(Relaxed);\n\
                     if let Some(held) = fits(before) { self.counts[HELD].store(held, Relaxed); } else {",
                )],
            },
            Plant {
                name: "gives_less_back",
                edits: &[("self.memory.give((self.octets - octets) as u64);", "")],
            },
        ],
    },
    Subject {
        path: "servers/src/trace/ring.rs",
        name: "ring",
        stand_ins: &[
            ("std::sync::atomic::Ordering::", "shuttle::sync::atomic::Ordering::"),
            ("std::sync::atomic::{AtomicU64, fence}", "shuttle::sync::atomic::{AtomicU64, fence}"),
        ],
        plants: &[
            Plant {
                name: "does_not_look_again",
                edits: &[("let writing = self.written.load(Relaxed);", "let writing = end;")],
            },
            Plant {
                name: "counts_before_it_writes",
                edits: &[
                    ("        self.written.store(number + 1, Release);\n", ""),
                    ("        fence(Release);\n", "        self.written.store(number + 1, Release);\n"),
                ],
            },
            Plant {
                name: "takes_what_is_being_written",
                edits: &[("(writing + 1).saturating_sub", "writing.saturating_sub")],
            },
        ],
    },
    Subject {
        path: "servers/src/services/work.rs",
        name: "work",
        stand_ins: &[
            ("std::sync::atomic::", "shuttle::sync::atomic::"),
            ("crate::shared::Shared", "crate::stand_in::SharedByThreads as Shared"),
            // Each caller measures something else, as on a busy machine.
            ("0 => self.settle(calibrate()),", "0 => self.settle(crate::stand_in::measured()),"),
        ],
        plants: &[
            Plant {
                name: "the_last_to_finish_decides",
                edits: &[(
                    "match self.per_us[0].compare_exchange(0, measured, Relaxed, Relaxed) {",
                    "match {self.per_us[0].store(measured, Relaxed); Ok::<u64, u64>(0)} {",
                )],
            },
            Plant {
                name: "forgets_the_earlier",
                edits: &[("Err(earlier) => earlier,", "Err(_) => measured,")],
            },
        ],
    },
];

fn main() {
    let workspace = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("../..");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    println!("cargo::rerun-if-changed=build.rs");
    for Subject { path, name, stand_ins, plants } in SUBJECTS {
        println!("cargo::rerun-if-changed=../../{path}");
        let source =
            fs::read_to_string(workspace.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        // The documentation of a file has no place in the middle of another, and its own tests run elsewhere.
        let code = source.split("#[cfg(test)]").next().expect("split gives at least one piece");
        let mut code: String =
            code.lines().filter(|line| !line.starts_with("//!")).flat_map(|line| [line, "\n"]).collect();
        for (used, stand_in) in *stand_ins {
            code = replaced(path, &code, used, stand_in);
        }
        let write = |name: &str, code: &str| {
            fs::write(Path::new(&out).join(format!("{name}.rs")), code).expect("the directory is cargo's");
        };
        write(name, &code);
        for Plant { name: mistake, edits } in *plants {
            let planted =
                edits.iter().fold(code.clone(), |code, (right, wrong)| replaced(path, &code, right, wrong));
            write(&format!("{name}_{mistake}"), &planted);
        }
    }
}

fn replaced(path: &str, code: &str, old: &str, new: &str) -> String {
    assert_eq!(code.matches(old).count(), 1, "{path} does not contain this exactly once:\n{old}");
    code.replacen(old, new, 1)
}
