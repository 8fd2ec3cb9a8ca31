//! The Azure Functions custom-handler contract.
//!
//! The Functions host starts the handler, waits until it answers `GET /`, and from then on posts every invocation to
//! `POST /{function}` as a JSON envelope of two members, `Data` (the trigger, by binding name) and `Metadata` (what
//! else the trigger knows). The answer decides the fate of the trigger: 2xx completes it, anything else abandons it, at
//! once and without back-off.
//!
//! Five properties of the contract shape this module (functions-host-contract §0 to §3, §8.1):
//!
//! 1. A 2xx with an empty body, or the literal `null`, hangs the invocation until the host kills the process. An
//!    [`Outcome`] is therefore the only thing a function can return, and its body is never empty.
//! 2. Values are encoded by their .NET type: strings and numbers arrive as JSON text *inside* a JSON string, whole
//!    seconds without a zone mean UTC, absent values have no key. [`Metadata`] reads all of these.
//! 3. A trigger value that is a *string* lets a JSON body overwrite the broker's own metadata. Our bindings say
//!    `dataType: binary`, and [`Invocation::service_bus_message`] accepts nothing but base64, which a string value
//!    never is.
//! 4. The body arrives chunked and may be large; it is read only when the invocation may run, so that waiting ones cost
//!    no memory.
//! 5. There is no signal before the process is killed. Functions must be safe to be cut off anywhere.

mod invocation;
mod memory;
mod message;
mod metadata;
mod outcome;
mod server;
mod timer;
mod value;

pub use invocation::{Error, Invocation};
pub use memory::{Grant, Memory};
pub use message::ServiceBusMessage;
pub use metadata::Metadata;
pub use outcome::Outcome;
pub use server::{Router, ServeError, bind, port, serve};
pub use timer::TimerTrigger;
