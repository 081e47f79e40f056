//! Identifies a file, by whatever names and links it is reached.

#[cfg(unix)]
use std::fs;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The device and the number of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileId {
    pub device: u64,
    pub number: u64,
}

impl FileId {
    /// Of the file that a path leads to.
    #[cfg(unix)]
    pub fn of_path(path: &Path) -> io::Result<Self> {
        Ok(Self::of_metadata(&fs::metadata(path)?))
    }

    /// Of an open file.
    #[cfg(unix)]
    pub fn of(file: &File) -> io::Result<Self> {
        Ok(Self::of_metadata(&file.metadata()?))
    }

    #[cfg(unix)]
    fn of_metadata(metadata: &fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;

        Self {
            device: metadata.dev(),
            number: metadata.ino(),
        }
    }

    /// Of the file that a path leads to.
    #[cfg(windows)]
    pub fn of_path(path: &Path) -> io::Result<Self> {
        Self::of(&windows::open(path)?)
    }

    /// Of an open file.
    #[cfg(windows)]
    pub fn of(file: &File) -> io::Result<Self> {
        let information = winapi_util::file::information(file)?;
        Ok(Self {
            device: information.volume_serial_number(),
            number: information.file_index(),
        })
    }
}

/// How many names the file has that a path leads to.
#[cfg(unix)]
pub fn names(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;

    fs::metadata(path).map(|metadata| metadata.nlink())
}

/// How many names the file has that a path leads to.
#[cfg(windows)]
pub fn names(path: &Path) -> io::Result<u64> {
    let information = winapi_util::file::information(windows::open(path)?)?;
    Ok(information.number_of_links())
}

/// A path after all links.
#[cfg(unix)]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

/// A path after all links, in the form that other programs accept, without `\\?\`.
#[cfg(windows)]
pub fn real_path(path: &Path) -> io::Result<PathBuf> {
    dunce::canonicalize(path)
}

#[cfg(windows)]
mod windows {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::OpenOptionsExt as _;
    use std::path::Path;

    /// Directories can be opened only with it.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

    /// Opens a file for its attributes only, which works even if another program does not share it.
    pub(super) fn open(path: &Path) -> io::Result<File> {
        File::options()
            .access_mode(0)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{FileId, names, real_path};

    #[test]
    fn a_file_is_known_by_all_of_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let [one, two, other] = ["one", "two", "other"].map(|name| directory.path().join(name));
        fs::write(&one, "").unwrap();
        assert_eq!(names(&one).unwrap(), 1);
        fs::hard_link(&one, &two).unwrap();
        fs::write(&other, "").unwrap();
        let id = FileId::of_path(&one).unwrap();
        assert_eq!(FileId::of_path(&two).unwrap(), id);
        assert_eq!(FileId::of(&File::open(&two).unwrap()).unwrap(), id);
        assert_ne!(FileId::of_path(&other).unwrap(), id);
        assert_eq!(names(&two).unwrap(), 2);
        assert!(FileId::of_path(directory.path()).is_ok());
        assert!(
            !real_path(&one)
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with(r"\\?\")
        );
    }
}
