//! An error with all its causes, for a log line.

use std::error::Error;
use std::fmt;

/// Shows an error and its sources, outermost first, separated by colons. The platform's errors display only themselves,
/// so whoever logs one uses this.
pub struct Chain<'a>(pub &'a (dyn Error + 'a));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(std::fmt::Error);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the document cannot be written")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn every_cause_is_said_once() {
        let outer = Outer(std::fmt::Error);
        assert_eq!(Chain(&outer).to_string(), format!("the document cannot be written: {}", std::fmt::Error));
    }
}
