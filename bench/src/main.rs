//! The program `dyno`; see `dyno --help`.

fn main() -> std::process::ExitCode {
    dyno_bench::main()
}
