//! The deployed handler. Everything is in the library, which the local host's executable runs too.

fn main() -> anyhow::Result<()> {
    iris_functions::handler::run()
}
