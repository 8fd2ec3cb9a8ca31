//! Two AMQP connections and the broker between them, driven by a script; see
//! `infra/local/emulator/servicebus/src/engine/fuzzing.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|script: &[u8]| iris_local_servicebus::fuzz_amqp(script));
