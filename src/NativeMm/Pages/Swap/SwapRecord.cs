namespace NativeMm.Buffers;

/// <summary>What is known of a stored page, 16 bytes.</summary>
internal struct SwapRecord
{
    /// <summary>Of a page in memory the handle of its object; of a free slot the next free one.</summary>
    public ulong Value;

    /// <summary>Checksum of the page, with its slot as the key.</summary>
    public uint Checksum;

    /// <summary>Who has the page; 0: the slot is free.</summary>
    public int References;
}
