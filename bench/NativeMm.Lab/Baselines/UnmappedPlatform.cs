using NativeMm.Platform;

namespace NativeMm.Lab.Baselines;

/// <summary>
/// A platform that maps nothing into reserved ranges and takes nothing out of them, but says that it did. What is built on it can be asked for
/// addresses, but they must not be touched. It shows what bookkeeping costs by itself, with more ranges than a process may have mappings.
/// </summary>
/// <param name="platform">Who does everything else.</param>
internal sealed class UnmappedPlatform(IMemoryPlatform platform) : IMemoryPlatform
{
    /// <inheritdoc/>
    public PlatformCapabilities Capabilities => platform.Capabilities;

    /// <inheritdoc/>
    public nuint PageBytes => platform.PageBytes;

    /// <summary>No limit: there are no mappings.</summary>
    public int MappingsMax => 0;

    /// <inheritdoc/>
    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address) => platform.Reserve(bytes, alignment, out address);

    public PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address) =>
        platform.ReserveClosed(bytes, alignment, readable, out address);

    public PlatformResult Open(nuint address, nuint bytes) => platform.Open(address, bytes);

    /// <inheritdoc/>
    public PlatformResult Release(nuint address, nuint bytes) => platform.Release(address, bytes);

    /// <inheritdoc/>
    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress) =>
        platform.Resize(address, bytes, newBytes, out newAddress);

    /// <inheritdoc/>
    public PlatformResult Commit(nuint address, nuint bytes) => platform.Commit(address, bytes);

    /// <inheritdoc/>
    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => platform.Discard(address, bytes, mode);

    /// <inheritdoc/>
    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => platform.Discard(ranges, mode);

    /// <inheritdoc/>
    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => platform.AdviseHugePages(address, bytes, enabled);

    /// <inheritdoc/>
    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => platform.Protect(address, bytes, accessible);

    /// <inheritdoc/>
    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages) => platform.CountResident(address, bytes, out pages);

    /// <inheritdoc/>
    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file) => platform.CreateMemoryFile(name, bytes, out file);

    /// <inheritdoc/>
    public PlatformResult CloseFile(int file) => platform.CloseFile(file);

    /// <summary>Maps where the system may choose; into a range that is reserved already, maps nothing.</summary>
    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = at;
        return at == 0 ? platform.MapFile(file, offset, bytes, at, out address) : PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Unmap(nuint address, nuint bytes) => platform.Unmap(address, bytes);

    /// <summary>There is nothing to revoke.</summary>
    public PlatformResult Revoke(nuint address, nuint bytes) => PlatformResult.Success;

    /// <summary>There is nothing to guard.</summary>
    public PlatformResult InstallGuard(nuint address, nuint bytes) => PlatformResult.Success;

    /// <inheritdoc/>
    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => platform.PunchHole(file, offset, bytes);
}
