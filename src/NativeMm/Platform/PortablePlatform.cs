using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>
/// Any system that .NET runs on, by <see cref="NativeMemory"/> alone. Memory can be reserved and released; everything else answers ENOSYS.
/// </summary>
/// <remarks>
/// Reservations come from <see cref="NativeMemory.AllocZeroed(nuint)"/>, which on every current system takes large zeroed blocks fresh from the
/// kernel without touching them, so an untouched reservation costs no memory. Alignment is made by asking for more.
/// </remarks>
internal sealed unsafe class PortablePlatform : IMemoryPlatform
{
    private static readonly PlatformResult s_notImplemented = new(ErrorNumber.NotImplemented);
    private readonly Dictionary<nuint, Block> _blocks = [];
    private SleepLock _lock;

    /// <inheritdoc/>
    public PlatformCapabilities Capabilities => PlatformCapabilities.None;

    /// <inheritdoc/>
    public nuint PageBytes { get; } = (nuint)Environment.SystemPageSize;

    /// <inheritdoc/>
    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        Debug.Assert(BitOperations.IsPow2(alignment), "The alignment is a power of two.");
        address = 0;
        nuint length = RoundUp(bytes);
        nuint total = length + alignment - 1;
        if (length < bytes || total < length)
        {
            return new PlatformResult(ErrorNumber.OutOfMemory);
        }

        nuint raw;
        try
        {
            raw = (nuint)NativeMemory.AllocZeroed(total);
        }
        catch (OutOfMemoryException)
        {
            return new PlatformResult(ErrorNumber.OutOfMemory);
        }

        address = (raw + alignment - 1) & ~(alignment - 1);
        using (_lock.EnterScope())
        {
            _blocks.Add(address, new Block(raw, length, alignment));
        }

        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Release(nuint address, nuint bytes)
    {
        Block block;
        using (_lock.EnterScope())
        {
            if (!_blocks.TryGetValue(address, out block) || block.Bytes != RoundUp(bytes))
            {
                return new PlatformResult(ErrorNumber.Invalid);
            }

            _blocks.Remove(address);
        }

        NativeMemory.Free((void*)block.Raw);
        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        Block block;
        using (_lock.EnterScope())
        {
            if (!_blocks.TryGetValue(address, out block) || block.Bytes != RoundUp(bytes))
            {
                return new PlatformResult(ErrorNumber.Invalid);
            }
        }

        PlatformResult result = Reserve(newBytes, block.Alignment, out nuint moved);
        if (!result.Succeeded)
        {
            return result;
        }

        NativeMemory.Copy((void*)address, (void*)moved, nuint.Min(block.Bytes, RoundUp(newBytes)));
        newAddress = moved;
        return Release(address, bytes);
    }

    /// <inheritdoc/>
    public PlatformResult Commit(nuint address, nuint bytes)
    {
        PageTouch.Write(address, bytes, PageBytes);
        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages)
    {
        pages = 0;
        return s_notImplemented;
    }

    /// <inheritdoc/>
    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = -1;
        return s_notImplemented;
    }

    /// <inheritdoc/>
    public PlatformResult CloseFile(int file) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        return s_notImplemented;
    }

    /// <inheritdoc/>
    public PlatformResult Unmap(nuint address, nuint bytes) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult Revoke(nuint address, nuint bytes) => s_notImplemented;

    /// <inheritdoc/>
    public PlatformResult InstallGuard(nuint address, nuint bytes) => s_notImplemented;

    /// <inheritdoc/>
    public int MappingsMax => 0;

    /// <inheritdoc/>
    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => s_notImplemented;

    private nuint RoundUp(nuint bytes) => (bytes + PageBytes - 1) & ~(PageBytes - 1);

    private readonly record struct Block(nuint Raw, nuint Bytes, nuint Alignment);
}
