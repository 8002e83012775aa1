using NativeMm.AddressSpaces;
using NativeMm.Buffers;

namespace NativeMm.Soak.Holdings;

/// <summary>The pages of a memory larger than its budget.</summary>
/// <param name="memory">The memory, which ends with this one.</param>
/// <param name="images">How many snapshots there may be.</param>
internal sealed class MemoryPages(PagedMemory memory, ImageCount images) : IPages
{
    public bool IsWritable => true;

    public void Read(long address, Span<byte> destination) => memory.Read(address, destination);

    public void Write(long address, ReadOnlySpan<byte> source) => memory.Write(address, source);

    public ReadLease LeaseRead(long address, int length) => memory.LeaseRead(address, length);

    public WriteLease LeaseWrite(long address, int length) => memory.LeaseWrite(address, length);

    public PagePin? TryPin(long address, long length, PageAccess access)
    {
        try
        {
            return memory.Pin(address, length, access);
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    public void Discard(long address, long length) => memory.Discard(address, length);

    public IPages? TryMakeImage()
    {
        if (!images.TryTake())
        {
            return null;
        }

        try
        {
            return new SnapshotPages(memory.Snapshot(), images);
        }
        catch
        {
            images.GiveBack();
            throw;
        }
    }

    /// <summary>Checks the whole structure, at rest.</summary>
    public void Validate() => memory.Validate();

    public void Dispose() => memory.Dispose();

    private sealed class SnapshotPages(PagedSnapshot snapshot, ImageCount images) : IPages
    {
        public bool IsWritable => false;

        public void Read(long address, Span<byte> destination) => snapshot.Read(address, destination);

        public void Write(long address, ReadOnlySpan<byte> source) => throw new NotSupportedException();

        public ReadLease LeaseRead(long address, int length) => throw new NotSupportedException();

        public WriteLease LeaseWrite(long address, int length) => throw new NotSupportedException();

        public PagePin? TryPin(long address, long length, PageAccess access) => throw new NotSupportedException();

        public void Discard(long address, long length) => throw new NotSupportedException();

        public IPages? TryMakeImage() => null;

        public void Dispose()
        {
            snapshot.Dispose();
            images.GiveBack();
        }
    }
}
