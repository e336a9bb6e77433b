//! Files and folders with what patients told a clinic: other accounts of the machine may not look
//! into them. Whether the program's own group may is left to the umask, so that a clinic can let an
//! account for backups in. On Windows a folder's own rules hold for what is made in it.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// How a file is opened to be written, and made if `create` or `create_new` is asked for.
pub fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    options.mode(0o660);
    options
}

/// Makes a folder and what is missing above it; one that is there stays as it is.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut folder = DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    folder.mode(0o770);
    folder.create(path)
}

/// Whether every account of the machine may read it: it itself allows that, and its folder lets them pass.
#[cfg(unix)]
pub fn is_open_to_all(path: &Path) -> bool {
    let allows = |path: &Path, what| path.metadata().is_ok_and(|found| found.permissions().mode() & what != 0);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    allows(path, 0o004) && allows(folder, 0o001)
}

#[cfg(not(unix))]
pub fn is_open_to_all(_path: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::testing::Folder;

    #[test]
    fn what_is_made_here_is_nobody_elses_to_read() {
        let folder = Folder::new();
        let (inner, open) = (folder.path().join("outer/inner"), folder.path().join("open"));
        create_folder(&inner).unwrap();
        create_folder(&inner).unwrap();
        file().create_new(true).open(inner.join("file")).unwrap();
        for path in [inner.join("file"), inner.clone(), folder.path().join("outer")] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o007, 0, "{}", path.display());
            assert!(!is_open_to_all(&path));
        }
        fs::write(&open, "").unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(is_open_to_all(&open));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(!is_open_to_all(&open), "its folder lets nobody pass");
    }
}
