//! What happens in a run: the same for the same seed and shape. Only the timing depends on the machine.

use crate::history::{Asked, Sent};
use crate::random::Random;
use std::time::Duration;

/// The size of a run, and what may happen in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Processes of the handler.
    pub handlers: u8,
    /// Organizations, all with the same ids of orders and patients.
    pub organizations: usize,
    /// Orders of each that come as messages.
    pub orders: usize,
    /// Rows of each of its files.
    pub rows: u32,
    /// Whether there is a database server, and so connections to it.
    pub server: bool,
    /// Whether connections may freeze for good, until their clients give up.
    pub for_good: bool,
}

/// What happens in a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Waves, each answered before the next begins.
    pub waves: Vec<Wave>,
    /// How each handler gets its messages.
    pub handling: Vec<Handling>,
}

/// What is sent at the same time, and what breaks meanwhile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wave {
    /// Sent in this order, with files and images in parallel to messages.
    pub posts: Vec<Post>,
    /// In this order, each after its own pause.
    pub strikes: Vec<Strike>,
}

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// What.
    pub sent: Sent,
    /// How often the very same message is sent. Rows and images: once.
    pub copies: usize,
}

/// Something that breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// How long after the one before.
    pub pause: Duration,
    /// What.
    pub blow: Blow,
}

/// What handlers use over a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The database.
    Database,
    /// Service Bus.
    Bus,
    /// Blob storage.
    Storage,
}

/// What can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// A handler dies (SIGKILL).
    Kill(usize),
    /// All of them die.
    KillAll,
    /// This percentage of connections is closed.
    Cut(Link, u8),
    /// This percentage of connections is reset.
    Reset(Link, u8),
    /// This percentage of connections falls silent; `Some`: until they are reset after this time.
    Freeze(Link, u8, Option<Duration>),
    /// Nothing gets through for a while, not even over new connections.
    Dark(Link, Duration),
    /// Everything is delayed by the first duration, for the second.
    Lag(Link, Duration, Duration),
    /// The database server restarts, and accepts no connections for at least this long.
    Restart(Duration),
}

/// How a handler gets its messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handling {
    /// How messages are doubled.
    pub twice: Twice,
    /// How long a message may be held back, so that others overtake it.
    pub shuffle: Duration,
    /// The percentage of answers that are lost.
    pub dropped: u8,
}

/// How messages are doubled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twice {
    /// They are not.
    Never,
    /// A second time after success.
    After,
    /// Both at the same time.
    AtOnce,
}

/// Values that changes set, as pointers into a request. The last one belongs to the patient.
const POINTERS: [&str; 6] = [
    "/Order/EncounterNumber",
    "/Order/AdditionalInfo",
    "/Order/DepartmentId",
    "/Order/OrderableIdentifier",
    "/HealthPlan/Name",
    "/Patient/AdditionalInfo",
];

/// The number of orders with images, which come first.
const WITH_IMAGES: usize = 2;

/// The short name of an organization, which is in all its texts.
#[must_use]
pub fn mark(organization: usize) -> String {
    const NAMES: [&str; 6] = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"];
    format!("{}-clinic", NAMES[organization % NAMES.len()])
}

/// The name of an order's image in its organization's container.
#[must_use]
pub fn image(organization: usize, order: &str, eye: &str) -> String {
    format!("{}-{order}-{eye}.jpg", mark(organization))
}

impl Plan {
    /// The plan for a seed.
    #[must_use]
    pub fn new(shape: &Shape, seed: u64) -> Self {
        let mut planner = Planner { shape, random: Random::new(seed), number: 0 };
        let waves = (0..4).map(|wave| planner.wave(wave)).collect();
        let handling = (0..shape.handlers).map(|_| planner.handling()).collect();
        Self { waves, handling }
    }

    /// Everything that is sent.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.waves.iter().flat_map(|wave| wave.posts.iter().map(|post| post.sent.clone())).collect()
    }
}

struct Planner<'a> {
    shape: &'a Shape,
    random: Random,
    /// Counts up, to make every value unique.
    number: usize,
}

impl Planner<'_> {
    fn wave(&mut self, wave: usize) -> Wave {
        let mut posts = Vec::new();
        for organization in 0..self.shape.organizations {
            for order in 0..self.shape.orders {
                for asked in self.about(organization, wave, order) {
                    let sent = Sent { organization, wave, order: format!("O{order}"), asked };
                    let copies = 1 + usize::from(self.random.percent(20));
                    posts.push(Post { sent, copies });
                }
            }
            if wave == 0 || wave == 2 {
                posts.extend(self.file(organization, wave));
            }
        }
        self.random.shuffle(&mut posts);
        let strikes = (0..2 + self.random.below(3)).map(|_| self.strike()).collect();
        Wave { posts, strikes }
    }

    /// What is asked about an order in a wave: created in the first, changed in all, cancelled in the third, graded in
    /// the last.
    fn about(&mut self, organization: usize, wave: usize, order: usize) -> Vec<Asked> {
        let mut asked = self.changes(organization, wave);
        let cancelled = order >= WITH_IMAGES && order % 4 == 3;
        match wave {
            0 => asked.push(Asked::Order),
            1 if order < WITH_IMAGES => asked.extend(
                ["od", "os"].map(|eye| Asked::Image { local_id: image(organization, &format!("O{order}"), eye) }),
            ),
            2 if cancelled => asked.push(Asked::Cancellation),
            3 if !cancelled && order.is_multiple_of(2) => asked.push(Asked::Grading),
            _ => {}
        }
        asked
    }

    /// Changes of different values of an order, and now and then two of the same value.
    fn changes(&mut self, organization: usize, wave: usize) -> Vec<Asked> {
        let count = match wave {
            0 => usize::from(self.random.percent(30)),
            _ => 1 + self.random.below(4),
        };
        let mut pointers = POINTERS;
        self.random.shuffle(&mut pointers);
        let mut chosen = pointers[..count].to_vec();
        if count > 0 && !pointers[0].starts_with("/Patient") && self.random.percent(25) {
            chosen.push(pointers[0]);
        }
        let change = |pointer: &str| {
            self.number += 1;
            Asked::Change { pointer: pointer.to_owned(), value: format!("{}-{}", mark(organization), self.number) }
        };
        chosen.into_iter().map(change).collect()
    }

    fn file(&mut self, organization: usize, wave: usize) -> Vec<Post> {
        let broken = 5 + self.random.below(20);
        let row = |row: u32| {
            let good = usize::try_from(row).unwrap_or_default() % broken != 0;
            let asked = Asked::Row { file: format!("rows-{wave}.csv"), row, good };
            Post { sent: Sent { organization, wave, order: format!("F{wave}R{row}"), asked }, copies: 1 }
        };
        // Counted as spreadsheets do: the header is row 1.
        (2..self.shape.rows + 2).map(row).collect()
    }

    fn link(&mut self) -> Link {
        match self.random.below(if self.shape.server { 4 } else { 2 }) {
            0 => Link::Bus,
            1 => Link::Storage,
            _ => Link::Database,
        }
    }

    fn strike(&mut self) -> Strike {
        let pause = self.random.millis(50, 700);
        let percent = [30, 60, 100][self.random.below(3)];
        let blow = match self.random.below(if self.shape.server { 100 } else { 90 }) {
            0..30 => Blow::Kill(self.random.below(usize::from(self.shape.handlers))),
            30..40 => Blow::KillAll,
            40..52 => Blow::Cut(self.link(), percent),
            52..64 => Blow::Reset(self.link(), percent),
            64..76 => {
                let for_good = self.shape.for_good && self.random.percent(15);
                let lasts = self.random.millis(200, 1_500);
                Blow::Freeze(self.link(), percent, (!for_good).then_some(lasts))
            }
            76..83 => Blow::Dark(self.link(), self.random.millis(200, 1_500)),
            83..90 => Blow::Lag(self.link(), self.random.millis(5, 80), self.random.millis(200, 1_500)),
            _ => Blow::Restart(self.random.millis(100, 1_000)),
        };
        Strike { pause, blow }
    }

    fn handling(&mut self) -> Handling {
        let twice = [Twice::Never, Twice::After, Twice::AtOnce][self.random.below(3)];
        let shuffle = self.random.millis(0, 200);
        let dropped = u8::try_from(self.random.below(10)).unwrap_or_default();
        Handling { twice, shuffle, dropped }
    }
}
