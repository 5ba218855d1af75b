//! The calls that clients make, chosen at random.

use serde_json::{Value, json};

/// A call, by the holder of a secret or by a command.
#[derive(Clone, Debug)]
pub struct Call {
    pub by: Caller,
    pub action: Action,
}

#[derive(Clone, Debug)]
pub enum Caller {
    /// Over HTTP, with this secret.
    Secret(String),
    /// On the command line.
    Command,
}

#[derive(Clone, Debug)]
pub enum Action {
    Send {
        target: Target,
        form: i64,
        key: Option<String>,
    },
    Explain {
        target: Target,
        form: i64,
    },
    Settings,
    SetFlag(bool),
    Threads,
    Thread(i64),
    PutThread(i64, Thread),
    DeleteThread(i64),
    Forms,
    PutForm(i64, Vec<i64>),
    DeleteForm(i64),
    Enable(i64, i64),
    Disable(i64, i64),
    /// The vendor's call, with an id or without one.
    VendorForm(Option<i64>),
    PutClient(i64, String),
    DeleteClient(i64),
    EraseClient(i64),
    ShortInfo(String),
    Tokens,
    CreateToken(String, &'static str),
    /// With an overlap of a day, or without one.
    RotateToken(i64, bool),
    RevokeToken(i64),
    Sends,
    /// The same, as soon as there are so many, or after a moment.
    WaitForSends(usize),
}

impl Action {
    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Self::Explain { .. }
                | Self::Settings
                | Self::Threads
                | Self::Thread(_)
                | Self::Forms
                | Self::ShortInfo(_)
                | Self::Tokens
                | Self::Sends
                | Self::WaitForSends(_)
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    Client(i64),
    External(String),
    Thread(i64),
}

/// A thread without its id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Thread {
    pub client: i64,
    pub channel: i64,
    pub open: bool,
    /// The hour of its last change.
    pub hour: i64,
}

impl Thread {
    /// The row as the admin routes have it.
    pub fn row(&self, id: i64) -> Value {
        json!({"id": id, "clientId": self.client, "channel": self.channel,
               "status": if self.open { "ASSIGNED" } else { "CLOSED" },
               "startTime": "2026-03-01T00:00:00.000Z",
               "stateChangeTime": format!("2026-03-01T{:02}:00:00.000Z", self.hour)})
    }
}

/// What was answered: the status and what is compared of the body; of an error, its message. Of a command, the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<Value>) -> Self {
        Self { status, body: body.into() }
    }
}

/// Random numbers by a seed, so that a run can be repeated. Source: SplitMix64, <https://prng.di.unimi.it/splitmix64.c>.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn id(&mut self, base: i64, count: usize) -> i64 {
        base + 1 + i64::try_from(self.below(count)).unwrap()
    }
}

/// The names and ids of one history: no other history has them.
#[derive(Clone, Copy)]
pub struct Names {
    /// Ids of clients, threads and forms are above it.
    pub base: i64,
}

impl Names {
    pub fn external_id(self, client: i64) -> String {
        format!("crm-{}-{client}", self.base)
    }

    /// An action of a caller over HTTP. `tokens` are the ids of the tokens that may be changed.
    pub fn action(self, random: &mut Random, tokens: &[i64]) -> Action {
        let token = |random: &mut Random| tokens[random.below(tokens.len())];
        let form = random.id(self.base, 3);
        match random.below(100) {
            0..28 => {
                let key = random.chance(30).then(|| format!("key-{}-{}", self.base, random.below(2)));
                Action::Send { target: self.target(random), form, key }
            }
            28..32 => Action::Explain { target: self.target(random), form },
            32..34 => Action::Settings,
            34..42 => Action::SetFlag(random.chance(60)),
            42..44 => Action::Threads,
            44..46 => Action::Thread(random.id(self.base, 4)),
            46..54 => self.put_thread(random),
            54..57 => Action::DeleteThread(random.id(self.base, 4)),
            57..58 => Action::Forms,
            58..60 => Action::PutForm(form, if random.chance(50) { vec![1] } else { vec![1, 2] }),
            60..61 => Action::DeleteForm(form),
            61..64 => Action::Enable(form, random.id(0, 2)),
            64..67 => Action::Disable(form, random.id(0, 2)),
            67..70 => Action::VendorForm(random.chance(60).then_some(form)),
            70..72 => self.put_client(random),
            72..73 => Action::DeleteClient(random.id(self.base, 3)),
            73..75 => Action::EraseClient(random.id(self.base, 3)),
            75..77 => Action::ShortInfo(self.external_id(random.id(self.base, 3))),
            77..79 => Action::Tokens,
            79..83 => self.create_token(random),
            83..87 => Action::RotateToken(token(random), random.chance(30)),
            87..92 => Action::RevokeToken(token(random)),
            92..97 => Action::Sends,
            _ => Action::WaitForSends(1 + random.below(4)),
        }
    }

    /// An action of a command.
    pub fn command(self, random: &mut Random, tokens: &[i64]) -> Action {
        let token = tokens[random.below(tokens.len())];
        match random.below(10) {
            0..3 => Action::SetFlag(random.chance(50)),
            3..6 => self.put_thread(random),
            6..7 => self.create_token(random),
            7..8 => Action::RotateToken(token, random.chance(30)),
            _ => Action::RevokeToken(token),
        }
    }

    fn target(self, random: &mut Random) -> Target {
        match random.below(4) {
            0 => Target::External(self.external_id(random.id(self.base, 3))),
            1 => Target::Thread(random.id(self.base, 4)),
            _ => Target::Client(random.id(self.base, 3)),
        }
    }

    fn put_thread(self, random: &mut Random) -> Action {
        let thread = Thread {
            client: random.id(self.base, 3),
            channel: random.id(0, 2),
            open: random.chance(40),
            hour: random.id(0, 3),
        };
        Action::PutThread(random.id(self.base, 4), thread)
    }

    fn put_client(self, random: &mut Random) -> Action {
        let (client, other) = (random.id(self.base, 3), random.id(self.base, 3));
        Action::PutClient(client, self.external_id(if random.chance(80) { client } else { other }))
    }

    fn create_token(self, random: &mut Random) -> Action {
        let role = ["ADMIN", "INTEGRATOR", "OPERATOR"][random.below(3)];
        Action::CreateToken(format!("new-{}-{}", self.base, random.below(3)), role)
    }
}
