using NativeMm.AddressSpaces;

namespace NativeMm.Soak.Holdings;

/// <summary>Bytes that are reached by an address and may be in no frame: an address space, a memory larger than its budget, or an image of one of them.</summary>
internal interface IPages : IDisposable
{
    /// <summary>Whether it may be written: not so the image of a memory.</summary>
    bool IsWritable { get; }

    /// <summary>Copies out.</summary>
    void Read(long address, Span<byte> destination);

    /// <summary>Copies in.</summary>
    void Write(long address, ReadOnlySpan<byte> source);

    /// <summary>Bytes in place.</summary>
    ReadLease LeaseRead(long address, int length);

    /// <summary>Bytes in place, to write.</summary>
    WriteLease LeaseWrite(long address, int length);

    /// <summary>Bytes in place for long, or null when too many are.</summary>
    PagePin? TryPin(long address, long length, PageAccess access);

    /// <summary>Forgets content.</summary>
    void Discard(long address, long length);

    /// <summary>All of it as it is at this moment, or null when there are enough of those.</summary>
    IPages? TryMakeImage();
}
