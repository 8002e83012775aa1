using NativeMm.Platform;

namespace NativeMm.Extensions.Tests.Support;

/// <summary>The system, but for giving pages back: that it refuses, all of it or some.</summary>
/// <param name="refuses">What it refuses; null for everything. One range of several is enough to refuse them all.</param>
internal sealed class RefusingDiscards(Func<AddressRange, bool>? refuses = null) : IMemoryPlatform
{
    private const int Busy = 16;
    private readonly IMemoryPlatform _system = SystemPlatform.Current;

    public PlatformCapabilities Capabilities => _system.Capabilities;

    public nuint PageBytes => _system.PageBytes;

    public int MappingsMax => _system.MappingsMax;

    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address) => _system.Reserve(bytes, alignment, out address);

    public PlatformResult Release(nuint address, nuint bytes) => _system.Release(address, bytes);

    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress) => _system.Resize(address, bytes, newBytes, out newAddress);

    public PlatformResult Commit(nuint address, nuint bytes) => _system.Commit(address, bytes);

    /// <summary>Whether a call for many fails for want of managed memory.</summary>
    public bool HasNoManagedMemory { get; set; }

    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) =>
        refuses?.Invoke(new AddressRange(address, bytes)) == false ? _system.Discard(address, bytes, mode) : new(Busy);

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        if (HasNoManagedMemory)
        {
            throw new OutOfMemoryException();
        }

        foreach (AddressRange range in ranges)
        {
            if (refuses?.Invoke(range) != false)
            {
                return new(Busy);
            }
        }

        return _system.Discard(ranges, mode);
    }

    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => _system.AdviseHugePages(address, bytes, enabled);

    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => _system.Protect(address, bytes, accessible);

    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages) => _system.CountResident(address, bytes, out pages);

    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file) => _system.CreateMemoryFile(name, bytes, out file);

    public PlatformResult CloseFile(int file) => _system.CloseFile(file);

    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address) => _system.MapFile(file, offset, bytes, at, out address);

    public PlatformResult Unmap(nuint address, nuint bytes) => _system.Unmap(address, bytes);

    public PlatformResult Revoke(nuint address, nuint bytes) => _system.Revoke(address, bytes);

    public PlatformResult InstallGuard(nuint address, nuint bytes) => _system.InstallGuard(address, bytes);

    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => _system.PunchHole(file, offset, bytes);
}
