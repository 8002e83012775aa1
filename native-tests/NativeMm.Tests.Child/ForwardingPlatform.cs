using NativeMm.Platform;

namespace NativeMm.Tests.Child;

/// <summary>Passes every call on. What derives from it changes a few of them.</summary>
internal abstract class ForwardingPlatform(IMemoryPlatform inner) : IMemoryPlatform
{
    public PlatformCapabilities Capabilities => inner.Capabilities;

    public nuint PageBytes => inner.PageBytes;

    public int MappingsMax => inner.MappingsMax;

    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address) => inner.Reserve(bytes, alignment, out address);

    public PlatformResult Release(nuint address, nuint bytes) => inner.Release(address, bytes);

    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress) =>
        inner.Resize(address, bytes, newBytes, out newAddress);

    public PlatformResult Commit(nuint address, nuint bytes) => inner.Commit(address, bytes);

    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => inner.Discard(address, bytes, mode);

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => inner.Discard(ranges, mode);

    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => inner.AdviseHugePages(address, bytes, enabled);

    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => inner.Protect(address, bytes, accessible);

    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages) => inner.CountResident(address, bytes, out pages);

    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file) => inner.CreateMemoryFile(name, bytes, out file);

    public PlatformResult CloseFile(int file) => inner.CloseFile(file);

    public virtual PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address) =>
        inner.MapFile(file, offset, bytes, at, out address);

    public PlatformResult Unmap(nuint address, nuint bytes) => inner.Unmap(address, bytes);

    public virtual PlatformResult Revoke(nuint address, nuint bytes) => inner.Revoke(address, bytes);

    public virtual PlatformResult InstallGuard(nuint address, nuint bytes) => inner.InstallGuard(address, bytes);

    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => inner.PunchHole(file, offset, bytes);
}
