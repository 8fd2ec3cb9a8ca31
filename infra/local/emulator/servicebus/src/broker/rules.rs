//! Rules of subscriptions, inspected and changed while messages flow. Rules added here last as long as the broker.

use super::options::Rule;
use super::topic::Topic;
use super::{Broker, Entity, Error, Inner};
use std::sync::{Arc, PoisonError};

/// Most rules of a subscription, as in Azure.
const MOST_RULES: usize = 2000;
/// Longest name of a rule, in characters.
const LONGEST_NAME: usize = 50;

impl Broker {
    /// The rules of a subscription (`{topic}/subscriptions/{name}`), in the order they were added.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Unsupported`] for what is no subscription.
    pub fn rules(&self, subscription: &str) -> Result<Vec<Rule>, Error> {
        self.inner().with_rules(subscription, |rules| Ok(rules.to_vec()))
    }

    /// Adds a rule; it applies to messages sent from now on.
    ///
    /// # Errors
    /// As [`Broker::rules`]; [`Error::Exists`], [`Error::Invalid`].
    pub fn add_rule(&self, subscription: &str, rule: Rule) -> Result<(), Error> {
        if rule.name.is_empty() || rule.name.chars().nth(LONGEST_NAME).is_some() {
            return Err(Error::Invalid(format!("a rule's name has 1 to {LONGEST_NAME} characters")));
        }
        self.inner().with_rules(subscription, |rules| {
            if rules.iter().any(|known| known.name.eq_ignore_ascii_case(&rule.name)) {
                return Err(Error::Exists(rule.name));
            }
            if rules.len() >= MOST_RULES {
                return Err(Error::Invalid(format!("a subscription has at most {MOST_RULES} rules")));
            }
            *rules = rules.iter().cloned().chain([rule]).collect();
            Ok(())
        })
    }

    /// Removes a rule; messages sent earlier keep its effects.
    ///
    /// # Errors
    /// As [`Broker::rules`]; [`Error::NotFound`] for the rule.
    pub fn remove_rule(&self, subscription: &str, rule: &str) -> Result<(), Error> {
        self.inner().with_rules(subscription, |rules| {
            let kept: Arc<[Rule]> =
                rules.iter().filter(|known| !known.name.eq_ignore_ascii_case(rule)).cloned().collect();
            if kept.len() == rules.len() {
                return Err(Error::NotFound(format!("{subscription}/rules/{rule}")));
            }
            *rules = kept;
            Ok(())
        })
    }
}

impl Inner {
    fn with_rules<T>(
        &self,
        subscription: &str,
        work: impl FnOnce(&mut Arc<[Rule]>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let plain = super::key(subscription);
        let Some((topic, name)) = plain.split_once("/subscriptions/") else {
            return Err(Error::Unsupported("rules belong to subscriptions"));
        };
        let Entity::Topic(topic) = self.entity(topic)? else { return Err(Error::NotFound(subscription.to_owned())) };
        let topic: &Topic = &topic;
        let mut subscriptions = topic.subscriptions.write().unwrap_or_else(PoisonError::into_inner);
        let found = subscriptions.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name));
        work(&mut found.ok_or_else(|| Error::NotFound(subscription.to_owned()))?.rules)
    }
}
