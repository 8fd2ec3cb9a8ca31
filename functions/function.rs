//! What a function is: a name, a `function.json` and a free `run`. Everything else is derived from one table of
//! functions.

use crate::app::App;
use crate::postpone;
use futures::future::BoxFuture;
use iris_azure::handler::{Error, Invocation, Outcome, Router, ServiceBusMessage};
use iris_azure::settings::HandlerSettings;
use iris_model::names::MESSAGE_BINDING;
use std::sync::Arc;
use tracing::error;

/// What starts a function.
#[derive(Clone, Copy)]
enum Run {
    /// A message in a queue.
    Message(fn(Arc<App>, ServiceBusMessage) -> BoxFuture<'static, Outcome>),
    /// A timer.
    Timer(fn(Arc<App>) -> BoxFuture<'static, Outcome>),
}

/// A function, as described by its folder.
pub struct Function {
    /// The name of its folder.
    pub name: &'static str,
    /// Its `function.json`, as deployed.
    pub definition: &'static str,
    run: Run,
}

impl Function {
    pub(crate) const fn of_messages(
        name: &'static str,
        definition: &'static str,
        run: fn(Arc<App>, ServiceBusMessage) -> BoxFuture<'static, Outcome>,
    ) -> Self {
        Self { name, definition, run: Run::Message(run) }
    }

    pub(crate) const fn of_timer(
        name: &'static str,
        definition: &'static str,
        run: fn(Arc<App>) -> BoxFuture<'static, Outcome>,
    ) -> Self {
        Self { name, definition, run: Run::Timer(run) }
    }
}

/// Makes a folder a function: `message!(folder)` or `timer!(folder)`. The folder's `run` takes the app, and the message
/// if there is one.
macro_rules! message {
    ($folder:ident) => {
        $crate::function::Function::of_messages(
            stringify!($folder),
            include_str!(concat!(stringify!($folder), "/function.json")),
            |app, message| Box::pin(async move { $crate::$folder::run(&app, message).await }),
        )
    };
}

macro_rules! timer {
    ($folder:ident) => {
        $crate::function::Function::of_timer(
            stringify!($folder),
            include_str!(concat!(stringify!($folder), "/function.json")),
            |app| Box::pin(async move { $crate::$folder::run(&app).await }),
        )
    };
}

pub(crate) use {message, timer};

/// The handler's routes: one per function, bound to this app.
#[must_use]
pub(crate) fn router(functions: &'static [Function], app: &Arc<App>, limits: HandlerSettings) -> Router {
    functions.iter().fold(Router::new(limits), |router, function| {
        let (app, run) = (Arc::clone(app), function.run);
        router.function(function.name, move |invocation| start(run, Arc::clone(&app), invocation))
    })
}

async fn start(run: Run, app: Arc<App>, invocation: Invocation) -> Outcome {
    match run {
        Run::Timer(run) => run(app).await,
        Run::Message(run) => match invocation.service_bus_message(MESSAGE_BINDING) {
            Ok(message) if postpone::is_given_up(&message) => Outcome::Retry { code: "given-up" },
            Ok(message) => run(app, message).await,
            Err(error) => undecodable(&error),
        },
    }
}

/// A message that cannot be decoded means that the app is deployed incorrectly; the message stays in the queue.
fn undecodable(error: &Error) -> Outcome {
    error!(alert = true, code = "binding", %error, "the invocation is not what function.json should make it");
    Outcome::Retry { code: "binding" }
}

#[cfg(test)]
mod tests {
    use crate::FUNCTIONS;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn every_folder_with_a_definition_is_a_function() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders: BTreeSet<String> = std::fs::read_dir(root)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.join("function.json").is_file())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        let functions: BTreeSet<String> = FUNCTIONS.iter().map(|function| function.name.to_owned()).collect();
        assert_eq!(folders, functions, "a folder with function.json needs its line in functions/lib.rs");
        assert_eq!(FUNCTIONS.len(), functions.len(), "a function is there twice");
    }
}
