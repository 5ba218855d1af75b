//! docs/command-line.md, from the help of the program and of each subcommand.

use std::fmt::Write as _;

use super::{
    check,
    program::{output, surveyd},
};

/// Subcommands that the help does not list.
const HIDDEN: [&str; 2] = ["man", "completions"];

#[test]
fn the_command_line_is_that_of_the_program() {
    let top = output(surveyd(&["--help"]));
    let mut names = subcommands(&top);
    names.extend(HIDDEN.map(str::to_owned));
    let mut text = section("surveyd", &top);
    for name in names {
        let help = output(surveyd(&[&name, "--help"]));
        text += &section(&format!("surveyd {name}"), &help);
        for inner in subcommands(&help) {
            text += &section(&format!("surveyd {name} {inner}"), &output(surveyd(&[&name, &inner, "--help"])));
        }
    }
    check("docs/command-line.md", &[("help", text)]);
}

fn section(command: &str, help: &str) -> String {
    let mut text = String::new();
    write!(text, "## `{command}`\n\n```text\n{}\n```\n\n", help.trim_end()).unwrap();
    text
}

/// The names under "Commands:".
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // A description that goes on in the next line is indented further.
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split(' ').next()).filter(|name| *name != "help").map(str::to_owned).collect()
}
