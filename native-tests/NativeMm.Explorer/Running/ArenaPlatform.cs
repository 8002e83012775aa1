using NativeMm.Platform;

namespace NativeMm.Explorer.Running;

/// <summary>
/// A platform without a system: reservations come out of the arena, those that are large and aligned, which are the frames of zones, out of memory that
/// nobody clears. Giving back and advice do nothing.
/// </summary>
/// <param name="canMap">Whether it pretends that frames can be mapped at other addresses.</param>
internal sealed unsafe class ArenaPlatform(bool canMap = false) : IMemoryPlatform
{
    private const nuint FramesAlignment = 2 << 20;

    public PlatformCapabilities Capabilities =>
        PlatformCapabilities.Discard | PlatformCapabilities.DiscardZeroes | (canMap ? PlatformCapabilities.MapTwice : PlatformCapabilities.None);

    public nuint PageBytes => 4096;

    public int MappingsMax => 0;

    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        bytes = (bytes + PageBytes - 1) & ~(PageBytes - 1);
        address = alignment >= FramesAlignment ? Arena.TakeUncleared(bytes, alignment) : (nuint)Arena.Take(bytes, Math.Min(alignment, PageBytes));
        return PlatformResult.Success;
    }

    public PlatformResult Release(nuint address, nuint bytes) => PlatformResult.Success;

    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress) => Refuse(out newAddress);

    public PlatformResult Commit(nuint address, nuint bytes) => PlatformResult.Success;

    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => PlatformResult.Success;

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => PlatformResult.Success;

    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => PlatformResult.Success;

    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => PlatformResult.Success;

    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages) => Refuse(out pages);

    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = 3;
        return PlatformResult.Success;
    }

    public PlatformResult CloseFile(int file) => PlatformResult.Success;

    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = at != 0 ? at : Arena.TakeUncleared(bytes, FramesAlignment);
        return PlatformResult.Success;
    }

    public PlatformResult Unmap(nuint address, nuint bytes) => PlatformResult.Success;

    public PlatformResult Revoke(nuint address, nuint bytes) => PlatformResult.Success;

    public PlatformResult InstallGuard(nuint address, nuint bytes) => Refuse(out _);

    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => PlatformResult.Success;

    private static PlatformResult Refuse(out nuint value)
    {
        value = 0;
        return new PlatformResult(ErrorNumber.Invalid);
    }
}
