//! For a console: the newest messages first, and holding a queue back.

use super::receive::Delivery;
use super::{Broker, Error};
use std::sync::atomic::Ordering;

impl Broker {
    /// The last `max` messages below a sequence number (`None`: of all), newest first, without locking them, whatever
    /// their state.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn newest(&self, entity: &str, below: Option<u64>, max: usize) -> Result<Vec<Delivery>, Error> {
        let below = below.unwrap_or(u64::MAX);
        let shown = self.inner().queue(entity)?.read(|state| {
            let numbers = state.from(0).rev().map(|(sequence, _)| sequence).skip_while(|sequence| *sequence >= below);
            let wanted: Vec<u64> = numbers.take(max).collect();
            wanted.into_iter().flat_map(|sequence| state.peek(sequence, None, 1)).collect::<Vec<_>>()
        });
        Ok(shown.into_iter().map(Delivery::from).collect())
    }

    /// A fault for tests and demonstrations: while a queue is held, every sender is told that it is busy
    /// ([`Error::Held`]), as Service Bus does when it throttles. What is in the queue stays available. Ends with the
    /// process.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn hold(&self, entity: &str, held: bool) -> Result<(), Error> {
        self.inner().queue(entity)?.held.store(held, Ordering::Relaxed);
        self.inner().announce();
        Ok(())
    }

    /// Whether a queue is held.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn is_held(&self, entity: &str) -> Result<bool, Error> {
        Ok(self.inner().queue(entity)?.held.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use crate::broker::{Broker, Error, QueueOptions};
    use crate::message::Message;

    async fn broker() -> Broker {
        let broker = Broker::open(None).await.unwrap();
        broker.create_queue("orders", QueueOptions::default()).unwrap();
        broker
    }

    #[tokio::test]
    async fn the_newest_come_first_and_in_pages() {
        let broker = broker().await;
        for number in 1..=5u8 {
            broker.send("orders", Message::new(vec![number])).await.unwrap();
        }
        let numbers = |below, max| -> Vec<u64> {
            broker.newest("orders", below, max).unwrap().iter().map(|shown| shown.sequence_number).collect()
        };
        assert_eq!(numbers(None, 3), [5, 4, 3]);
        assert_eq!(numbers(Some(3), 3), [2, 1]);
        assert!(matches!(broker.newest("nowhere", None, 1), Err(Error::NotFound(_))));
    }

    #[tokio::test]
    async fn a_held_queue_takes_nothing_and_loses_nothing() {
        let broker = broker().await;
        broker.send("orders", Message::new("before")).await.unwrap();
        broker.hold("orders", true).unwrap();
        assert_eq!(broker.send("orders", Message::new("meanwhile")).await, Err(Error::Held));
        assert!(broker.is_held("orders").unwrap());
        broker.hold("orders", false).unwrap();
        broker.send("orders", Message::new("after")).await.unwrap();
        assert_eq!(broker.status("orders").unwrap().active, 2);
    }
}
