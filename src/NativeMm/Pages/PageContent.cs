namespace NativeMm.Buffers;

/// <summary>A page as it is kept, outside of the table: on its way in, or replaced and on its way out.</summary>
internal struct PageContent
{
    public PageState State;
    public uint Checksum;

    /// <summary>The objects in the order of the bytes; of a same-filled page the first is the word that it repeats.</summary>
    public PageHandles Handles;
}
