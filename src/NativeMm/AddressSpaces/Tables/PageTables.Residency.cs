namespace NativeMm.AddressSpaces;

/// <content>Telling who counts resident pages. Under the lock of the page's leaf.</content>
internal sealed unsafe partial class PageTables
{
    /// <summary>An entry was taken out.</summary>
    public void NoteRemoved(LeafEntry entry)
    {
        if (_residency is not null && entry.Kind == EntryKind.Frame)
        {
            _residency.Removed(NumberOf(entry));
        }
    }

    /// <summary>An entry was written for another page than before.</summary>
    public void NoteMoved(ulong page, LeafEntry entry)
    {
        if (_residency is not null && entry.Kind == EntryKind.Frame)
        {
            _residency.Moved(page, NumberOf(entry));
        }
    }

    private uint NumberOf(LeafEntry entry) => _zone.FrameOf((void*)entry.Address).Value;
}
