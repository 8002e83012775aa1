using NativeMm.Platform;

namespace NativeMm.Tests.Child;

/// <summary>Passes every call on. What derives from it changes a few of them.</summary>
internal abstract class ForwardingPlatform(IMemoryPlatform inner) : IMemoryPlatform
{
    public virtual PlatformCapabilities Capabilities => inner.Capabilities;

    public virtual nuint PageBytes => inner.PageBytes;

    public virtual int MappingsMax => inner.MappingsMax;

    public virtual PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address) => inner.Reserve(bytes, alignment, out address);

    public virtual PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address) =>
        inner.ReserveClosed(bytes, alignment, readable, out address);

    public virtual PlatformResult Open(nuint address, nuint bytes) => inner.Open(address, bytes);

    public virtual PlatformResult Release(nuint address, nuint bytes) => inner.Release(address, bytes);

    public virtual PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress) =>
        inner.Resize(address, bytes, newBytes, out newAddress);

    public virtual PlatformResult Commit(nuint address, nuint bytes) => inner.Commit(address, bytes);

    public virtual PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => inner.Discard(address, bytes, mode);

    public virtual PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => inner.Discard(ranges, mode);

    public virtual PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => inner.AdviseHugePages(address, bytes, enabled);

    public virtual PlatformResult Protect(nuint address, nuint bytes, bool accessible) => inner.Protect(address, bytes, accessible);

    public virtual PlatformResult CountResident(nuint address, nuint bytes, out nuint pages) => inner.CountResident(address, bytes, out pages);

    public virtual PlatformResult CreateMemoryFile(string name, nuint bytes, out int file) => inner.CreateMemoryFile(name, bytes, out file);

    public virtual PlatformResult CloseFile(int file) => inner.CloseFile(file);

    public virtual PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address) =>
        inner.MapFile(file, offset, bytes, at, out address);

    public virtual PlatformResult MapFileClosed(int file, nuint offset, nuint bytes, nuint at, out nuint address) =>
        inner.MapFileClosed(file, offset, bytes, at, out address);

    public virtual PlatformResult Unmap(nuint address, nuint bytes) => inner.Unmap(address, bytes);

    public virtual PlatformResult Revoke(nuint address, nuint bytes) => inner.Revoke(address, bytes);

    public virtual PlatformResult InstallGuard(nuint address, nuint bytes) => inner.InstallGuard(address, bytes);

    public virtual PlatformResult PunchHole(int file, nuint offset, nuint bytes) => inner.PunchHole(file, offset, bytes);

    public virtual int FindBorders(nuint address, nuint bytes, Span<nuint> borders) => inner.FindBorders(address, bytes, borders);
}
