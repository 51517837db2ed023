//! Prints the channel's labels and order of fields, as the code uses them; `security/model/table.txt` is this output.

fn main() {
    print!("{}", dyno_security::channel::table::text());
}
