using System.Runtime.InteropServices;
using NativeMm.Platform;

namespace NativeMm.Tests.Unit.Frames;

/// <summary>
/// Memory from <see cref="NativeMemory"/> with a call counter: enough of a platform for frames. Discarding clears at once. One chosen
/// reservation can be made to fail.
/// </summary>
internal sealed unsafe class FakePlatform : IMemoryPlatform
{
    private readonly Dictionary<nuint, nuint> _reserved = [];
    private readonly Lock _lock = new();

    public int ReserveCalls { get; private set; }

    /// <summary>Which reservation fails, counted from 1; 0 for none.</summary>
    public int FailingReserve { get; init; }

    public int LiveReservations
    {
        get
        {
            lock (_lock)
            {
                return _reserved.Count;
            }
        }
    }

    public PlatformCapabilities Capabilities => PlatformCapabilities.Discard | PlatformCapabilities.DiscardZeroes;

    public nuint PageBytes => 4096;

    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address)
    {
        lock (_lock)
        {
            address = 0;
            if (++ReserveCalls == FailingReserve)
            {
                return new PlatformResult(ErrorNumber.OutOfMemory);
            }

            address = (nuint)NativeMemory.AlignedAlloc(bytes, alignment);
            NativeMemory.Clear((void*)address, bytes);
            _reserved.Add(address, bytes);
            return PlatformResult.Success;
        }
    }

    public PlatformResult Release(nuint address, nuint bytes)
    {
        lock (_lock)
        {
            if (!_reserved.Remove(address, out nuint reserved) || reserved != bytes)
            {
                return new PlatformResult(ErrorNumber.Invalid);
            }

            NativeMemory.AlignedFree((void*)address);
            return PlatformResult.Success;
        }
    }

    public PlatformResult Discard(nuint address, nuint bytes, DiscardMode mode)
    {
        NativeMemory.Clear((void*)address, bytes);
        return PlatformResult.Success;
    }

    public PlatformResult Discard(ReadOnlySpan<AddressRange> ranges, DiscardMode mode)
    {
        foreach (AddressRange range in ranges)
        {
            Discard(range.Address, range.Bytes, mode);
        }

        return PlatformResult.Success;
    }

    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        return Refused;
    }

    public PlatformResult Commit(nuint address, nuint bytes) => PlatformResult.Success;

    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) => Refused;

    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) => Refused;

    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages)
    {
        pages = 0;
        return Refused;
    }

    public PlatformResult CreateMemoryFile(string name, nuint bytes, out int file)
    {
        file = -1;
        return Refused;
    }

    public PlatformResult CloseFile(int file) => Refused;

    public PlatformResult MapFile(int file, nuint offset, nuint bytes, nuint at, out nuint address)
    {
        address = 0;
        return Refused;
    }

    public PlatformResult Unmap(nuint address, nuint bytes) => Refused;

    public PlatformResult Revoke(nuint address, nuint bytes) => Refused;

    public PlatformResult InstallGuard(nuint address, nuint bytes) => Refused;

    public int MappingsMax => 0;

    public PlatformResult PunchHole(int file, nuint offset, nuint bytes) => Refused;

    private static PlatformResult Refused => new(ErrorNumber.NotImplemented);
}
