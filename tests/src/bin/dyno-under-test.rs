//! The program `dyno` under another name, so that this crate's tests can start it as their own.

fn main() -> std::process::ExitCode {
    dyno_bench::main()
}
