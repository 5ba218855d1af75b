//! The copy that is kept before an upgrade: the old database as it was, and only if there is a migration.

use super::{contents, kept, of_version, upgrade, version_of};
use crate::harness::schemas::{PRESENT, VERSIONS};

#[test]
fn the_copy_is_the_old_database() {
    for version in VERSIONS.filter(|version| *version < PRESENT) {
        let folder = of_version(version);
        let old = contents(&folder, "surveyd.db");
        upgrade(&folder);
        folder.assert_sound(&kept());
        assert_eq!(version_of(&folder, &kept()), version);
        contents(&folder, &kept()).assert_is(&old, &format!("the copy of version {version}"));
        // A second start migrates nothing, and keeps the copy of the first.
        upgrade(&folder);
        assert_eq!(version_of(&folder, &kept()), version);
        assert_eq!(folder.files(), ["surveyd.db", "surveyd.db-lock", &kept()], "version {version}");
    }
}

#[test]
fn a_database_of_the_present_version_is_not_copied() {
    let folder = of_version(PRESENT);
    let old = contents(&folder, "surveyd.db");
    upgrade(&folder);
    contents(&folder, "surveyd.db").assert_is(&old, "nothing is migrated");
    assert_eq!(folder.files(), ["surveyd.db"]);
}

/// A command that only reads, and a backup, leave the old version and keep no copy.
#[test]
fn a_backup_of_an_old_database_is_of_the_old_version() {
    for version in VERSIONS {
        let folder = of_version(version);
        let mut old = contents(&folder, "surveyd.db");
        folder.run_ok(&["backup", "copy.db"]);
        folder.assert_sound("copy.db");
        assert_eq!([version_of(&folder, "surveyd.db"), version_of(&folder, "copy.db")], [version; 2]);
        contents(&folder, "copy.db").assert_is(&old, &format!("the backup of version {version}"));
        let mut after = contents(&folder, "surveyd.db");
        if version >= 5 {
            // It is recorded after the copy.
            assert_ne!(old.take("last_backup"), after.take("last_backup"));
        }
        after.assert_is(&old, &format!("the database of version {version}"));
        assert!(!folder.path(&kept()).exists());
    }
}
