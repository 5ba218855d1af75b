//! A kill and an error at every change of a file by the commands that write: the database is as before or as after.

use std::{collections::BTreeMap, fmt::Write, fs, process::Output};

use rstest::rstest;

use crate::{
    call_numbers,
    harness::{TestFolder, binary, tool},
    is_long,
    ledger::{Ledger, Reported, prepare},
};

/// The calls that change files or folders; a machine need not have all of them.
const CALLS: &str =
    "?pwrite64,?write,?fsync,?fdatasync,?ftruncate,?rename,?link,?unlink,?renameat2,?linkat,?unlinkat,?copy_file_range";

/// The file that a backup goes to.
const BACKUP: &str = "new.db";

const CLIENTS: &str = "id,externalId,name\n1,crm-1,Ada\n8,crm-8,Bob\n";

/// A database whose server was killed, a backup of an earlier state, and the files that the commands read.
fn template() -> TestFolder {
    let folder = TestFolder::new();
    let token = prepare(&folder, 50);
    folder.run_ok(&["backup", "copy.db"]);
    let server = folder.serve();
    assert_eq!(Ledger::default().send_each(&mut server.client(&token), 1..=5), Reported::Recorded);
    server.kill();
    folder.write("clients.csv", CLIENTS);
    folder.write("world.json", r#"{"settings": {"surveysViaExternalApi": false}, "clients": [{"id": 9}]}"#);
    folder
}

/// The files of a folder in a new one.
pub fn copy(template: &TestFolder) -> TestFolder {
    let folder = TestFolder::new();
    for name in template.files() {
        fs::copy(template.path(&name), folder.path(&name)).unwrap();
    }
    folder
}

/// Everything that a command changes, without times and secrets.
fn state(folder: &TestFolder, when: &str) -> String {
    let check = folder.run(&["check"]);
    assert!(check.status.success(), "{when}: {}", String::from_utf8_lossy(&check.stdout));
    let mut state = folder.export();
    let database = folder.database();
    for sql in [
        "select 'token', name, role, revoked_at is null from token",
        "select 'replaced secret', token_id, '', '' from token_old_secret",
        "select 'change', who, action, object from audit",
        "select 'send', sending_id, thread_id, '' from send",
    ] {
        let mut statement = database.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..4 {
                write!(state, "{:?} ", row.get_ref(column).unwrap()).unwrap();
            }
            state += "\n";
        }
    }
    state
}

/// The program under strace, which writes its log to a file `trace` of the folder.
fn traced(folder: &TestFolder, arguments: &[&str], options: &[&str]) -> Option<Output> {
    let mut strace = tool("strace")?;
    // As a child of the program, so that what is killed is what the test started.
    strace.args(["-D", "-f", "-qq", "-o", "trace"]).args(options).arg(binary()).args(arguments);
    Some(strace.env_remove("SURVEYD_PROOFS").current_dir(folder.path("")).output().unwrap())
}

/// How often a command calls each of [`CALLS`]: strace counts each thread and each kind on its own, and so does this.
pub fn count_calls(folder: &TestFolder, arguments: &[&str]) -> Option<BTreeMap<String, u32>> {
    let output = traced(folder, arguments, &["-e", &format!("trace={CALLS}"), "-e", "signal=none"])?;
    assert!(output.status.success(), "{output:?}");
    let log = fs::read_to_string(folder.path("trace")).unwrap();
    let mut of_threads = BTreeMap::<(&str, &str), u32>::new();
    for line in log.lines() {
        if let Some((thread, call)) = line.split_once('(').and_then(|(call, _)| call.split_once(' ')) {
            *of_threads.entry((thread, call.trim())).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::<String, u32>::new();
    for ((_, call), count) in of_threads {
        let greatest = counts.entry(call.to_owned()).or_default();
        *greatest = count.max(*greatest);
    }
    Some(counts)
}

/// Runs a command with a fault in its calls of a kind, as strace's `inject` takes it.
pub fn interrupted(folder: &TestFolder, arguments: &[&str], calls: &str, fault: &str) -> Output {
    let inject = format!("inject={calls}:{fault}");
    traced(folder, arguments, &["-e", &format!("trace={calls}"), "-e", &inject]).unwrap()
}

/// Runs a command with the effect at each call, and compares what is there with what was reported.
///
/// `more` follows the number of the call: nothing for this call alone, `+` for all calls from this one on.
fn interrupt(command: &str, effect: &str, more: &str) {
    let arguments: Vec<_> = command.split(' ').collect();
    // These change much in several transactions. When they are repeated, they do the rest.
    let is_in_steps = ["import", "erase"].contains(&arguments[0]);
    let template = template();
    let before = state(&copy(&template), "without a fault");
    let whole = copy(&template);
    let Some(counts) = count_calls(&whole, &arguments) else { return };
    let after = state(&whole, "without a fault");
    let (mut unchanged, mut changed) = (0, 0);
    for (calls, count) in counts {
        for number in call_numbers().take_while(|number| *number <= count) {
            let folder = copy(&template);
            let output = interrupted(&folder, &arguments, &calls, &format!("{effect}:when={number}{more}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let when = format!("{command} with {effect} at {calls} {number}{more}, which said {said:?}");
            let has_backup = check_backup(&folder, &when);
            let now = state(&folder, &when);
            if output.status.success() {
                assert_eq!(now, after, "{when}");
                assert!(has_backup || arguments[0] != "backup", "{when}");
            } else {
                assert!(is_in_steps || now == before || now == after, "{when}: it is neither: {now}");
                assert!(!said.contains("panicked"), "{when}");
                let claims = [" is not applied", " is not restored", "is as it was", "nothing", "there is no backup"];
                let claims_nothing = claims.iter().any(|claim| said.contains(claim));
                assert!(is_in_steps || !claims_nothing || (now == before && !has_backup), "{when}: it is done");
            }
            if now == after && before != after {
                changed += 1;
            } else {
                unchanged += 1;
                folder.run_ok(&arguments);
                assert_eq!(state(&folder, &when), after, "{when}, and repeated");
                check_backup(&folder, &when);
                let left = folder.files().into_iter().find(|name| name.contains("surveyd-part"));
                assert_eq!(left, None, "{when}, and repeated");
            }
        }
    }
    // The control: the faults came before the change, and after it.
    assert!(unchanged > 0 && (changed > 0 || before == after), "{unchanged} times as before, {changed} as after");
}

/// A backup that is there is sound and whole. Removes it, and returns whether it was there.
fn check_backup(folder: &TestFolder, when: &str) -> bool {
    let is_there = folder.path(BACKUP).exists();
    if is_there {
        let check = folder.run(&["check", "--database", BACKUP]);
        assert!(check.status.success(), "{when}: {}", String::from_utf8_lossy(&check.stdout));
        assert_eq!(folder.stdout_of(&["export", "--database", BACKUP]), folder.export(), "{when}");
        let names = folder.files().into_iter().filter(|name| name.starts_with(BACKUP));
        names.for_each(|name| fs::remove_file(folder.path(&name)).unwrap());
    }
    is_there
}

/// It leaves the state before or after, and says which.
#[rstest]
fn an_interrupted_command_is_done_or_not(
    #[values(
        "apply world.json",
        "token create --name new --role operator",
        "token rotate 1 --overlap 24h",
        "token revoke 1",
        "import clients clients.csv",
        "erase client 1",
        "backup new.db",
        "restore copy.db"
    )]
    command: &str,
    #[values(kill, fail_writes)] fault: fn(&str),
) {
    fault(command);
}

fn kill(command: &str) {
    interrupt(command, "signal=KILL", "");
}

fn fail_writes(command: &str) {
    interrupt(command, "error=EIO", "+");
    if is_long() {
        interrupt(command, "error=EIO", "");
        interrupt(command, "error=ENOSPC", "+");
    }
}
