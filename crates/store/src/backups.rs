//! Keeping gigabytes that can be fetched again out of backups.

use std::path::Path;

/// Marks a folder so that backups leave it out: for tools on Linux with a `CACHEDIR.TAG` (bford.info/cachedir), for Time Machine
/// with the extended attribute that `tmutil addexclusion` sets. Best effort: a volume that cannot be marked works all the same.
///
/// The attribute has not been tried on a Mac yet.
pub(crate) fn leave_out(folder: &Path) {
    let tag = folder.join("CACHEDIR.TAG");
    if !tag.exists() {
        std::fs::write(
            &tag,
            "Signature: 8a477f597d28d172789f06886806bc55\n# Models of Moshibar, which can be fetched again.\n",
        )
        .ok();
    }
    #[cfg(target_os = "macos")]
    mark_for_time_machine(folder);
}

/// Sets `com.apple.metadata:com_apple_backup_excludeItem` to the property list "com.apple.backupd", in binary.
#[cfg(target_os = "macos")]
fn mark_for_time_machine(folder: &Path) {
    const NAME: &str = "com.apple.metadata:com_apple_backup_excludeItem";
    let text = b"com.apple.backupd";
    // A binary property list with one ASCII string: magic, the string (0x5f 0x10 length), the offset table (8), the trailer.
    let mut plist = b"bplist00\x5f\x10".to_vec();
    plist.push(text.len() as u8);
    plist.extend_from_slice(text);
    let table = plist.len() as u8;
    plist.push(8);
    plist.extend_from_slice(&[
        0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    plist.push(table);
    rustix::fs::setxattr(folder, NAME, &plist, rustix::fs::XattrFlags::empty()).ok();
}
