//! A worker ends a request, marks its connection idle and blocks in read(2); the stop signal is handled at some
//! moment. Whatever the order: the read is woken.

macro_rules! model {
    ($name:ident, $file:literal) => {
        mod $name {
            use shuttle::sync::{Arc, Condvar, Mutex};
            use shuttle::thread;
            use subject::{Mark, Marks, Wake};

            crate::subject!(subject, $file);

            const DESCRIPTOR: usize = 0;

            /// A socket that can be shut down for reading.
            #[derive(Default)]
            struct Socket {
                is_shut: Mutex<bool>,
                woken: Condvar,
            }

            impl Socket {
                fn shut(&self) {
                    *self.is_shut.lock().expect("no panic") = true;
                    self.woken.notify_all();
                }

                fn read(&self) {
                    let is_shut = self.is_shut.lock().expect("no panic");
                    drop(self.woken.wait_while(is_shut, |is_shut| !*is_shut).expect("no panic"));
                }
            }

            pub(crate) fn an_idle_connection_is_woken() {
                let marks = Arc::new(Marks::new(1));
                let socket = Arc::new(Socket::default());
                marks.mark(DESCRIPTOR, Mark::Busy);
                let handler = {
                    let (marks, socket) = (marks.clone(), socket.clone());
                    thread::spawn(move || {
                        assert!(marks.request());
                        marks.for_each(Mark::Idle, |descriptor| {
                            assert_eq!(descriptor, DESCRIPTOR);
                            socket.shut();
                        });
                    })
                };
                if marks.mark(DESCRIPTOR, Mark::Idle) == Wake::Now {
                    socket.shut();
                }
                // Without a wake-up every thread sleeps, and the scheduler says so.
                socket.read();
                handler.join().expect("no panic");
            }
        }
    };
}

model!(right, "marks");
model!(does_not_look_after_marking, "marks_does_not_look_after_marking");
model!(looks_before_marking, "marks_looks_before_marking");
model!(passes_over_the_idle, "marks_passes_over_the_idle");

#[test]
fn an_idle_connection_is_woken_in_every_order() {
    crate::in_every_order(right::an_idle_connection_is_woken);
}

#[test]
fn it_is_found_when_the_worker_does_not_look_after_marking() {
    crate::finds_the_mistake(does_not_look_after_marking::an_idle_connection_is_woken);
}

#[test]
fn it_is_found_when_the_worker_looks_before_marking() {
    crate::finds_the_mistake(looks_before_marking::an_idle_connection_is_woken);
}

#[test]
fn it_is_found_when_the_handler_passes_over_the_idle() {
    crate::finds_the_mistake(passes_over_the_idle::an_idle_connection_is_woken);
}
