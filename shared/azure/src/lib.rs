//! The outer edge of the deployed handler: everything that speaks to Azure, and no business rules.
//!
//! | module | what it speaks |
//! |---|---|
//! | [`handler`] | the Azure Functions custom-handler contract: HTTP in, one outcome out |
//! | [`eventgrid`] | `BlobCreated` events as they arrive in a queue |
//! | [`servicebus`] | Service Bus over AMQP 1.0, sending only |
//! | [`blob`] | Blob storage over REST |
//! | [`credential`] | managed identity, developer sign-in and the tokens made from them |
//! | [`organizations`] | the organizations' documents, kept for a moment |
//! | [`database`] | opens the database that the settings name, with a managed identity where they say so |
//! | [`settings`] | environment variables, read once into types |
//! | [`telemetry`] | log lines on standard output |
//!
//! There is one production path. Local development and tests run the same code against `infra/local`, which serves the
//! same protocols on 127.0.0.1; only connection settings differ.

pub mod blob;
pub mod credential;
pub mod database;
pub mod eventgrid;
pub mod handler;
pub mod organizations;
pub mod servicebus;
pub mod settings;
pub mod telemetry;
