namespace NativeMm.Buffers;

/// <summary>How a page lies in the store. 0 is an entry of the table that nobody uses.</summary>
internal enum PageKind : uint
{
    None,
    SameFilled,
    Compressed,
    Huge,
}
