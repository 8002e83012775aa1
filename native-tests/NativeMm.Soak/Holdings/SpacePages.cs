using NativeMm.AddressSpaces;

namespace NativeMm.Soak.Holdings;

/// <summary>The pages of an address space.</summary>
/// <param name="space">The space, which ends with this one.</param>
/// <param name="images">How many forks there may be.</param>
/// <param name="isImage">Whether it is one of them.</param>
internal sealed class SpacePages(AddressSpace space, ImageCount images, bool isImage = false) : IPages
{
    /// <summary>The space.</summary>
    public AddressSpace Space => space;

    public bool IsWritable => true;

    public void Read(long address, Span<byte> destination) => space.Read(address, destination);

    public void Write(long address, ReadOnlySpan<byte> source) => space.Write(address, source);

    public ReadLease LeaseRead(long address, int length) => space.LeaseRead(address, length);

    public WriteLease LeaseWrite(long address, int length) => space.LeaseWrite(address, length);

    public PagePin? TryPin(long address, long length, PageAccess access) => space.Pin(address, length, access);

    public void Discard(long address, long length) => space.Advise(address, length, MemoryAdvice.DoNotNeed);

    public IPages? TryMakeImage()
    {
        if (isImage || !images.TryTake())
        {
            return null;
        }

        try
        {
            return new SpacePages(space.Fork(), images, isImage: true);
        }
        catch
        {
            images.GiveBack();
            throw;
        }
    }

    public void Dispose()
    {
        space.Dispose();
        if (isImage)
        {
            images.GiveBack();
        }
    }
}
