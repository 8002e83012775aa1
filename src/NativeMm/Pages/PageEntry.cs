using System.Runtime.InteropServices;

namespace NativeMm.Buffers;

/// <summary>One page in the table of a stripe. Pages of more than 4 KiB have further handles directly behind it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PageEntry
{
    /// <summary>Bytes of this structure: the handles of larger pages come behind.</summary>
    public const int Bytes = 24;

    /// <summary>The page's key.</summary>
    public ulong Key;

    /// <summary>How the page is kept; <see cref="PageKind.None"/> when the entry is unused.</summary>
    public PageState State;

    /// <summary>Of the page and its key; 0 when it is same-filled.</summary>
    public uint Checksum;

    /// <summary>The first object of the page, or the word that a same-filled page repeats.</summary>
    public ulong First;
}
