using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;
using NativeMm.Primitives;

namespace NativeMm.Platform;

/// <summary>
/// Linux on x64 and arm64. Reservations are private anonymous mappings without swap reservation: they cost address space until they are touched.
/// </summary>
/// <remarks>
/// A mapping uses one entry of <c>vm.max_map_count</c> (65 530 by default); when the table is full, calls answer ENOMEM although memory is
/// plentiful. Adjacent reservations usually share an entry.
/// </remarks>
/// <param name="kernel">The kernel that the process runs on.</param>
internal sealed unsafe partial class LinuxPlatform(KernelVersion kernel) : IMemoryPlatform
{
    private readonly nuint _pageBytes = (nuint)Environment.SystemPageSize;

    /// <inheritdoc/>
    public PlatformCapabilities Capabilities =>
        PlatformCapabilities.Discard
        | PlatformCapabilities.DiscardZeroes
        | PlatformCapabilities.MapTwice
        | PlatformCapabilities.Remap
        | PlatformCapabilities.CountResident
        | PlatformCapabilities.Pieces
        | (kernel.IsAtLeast(KernelVersion.AreaLocks) ? PlatformCapabilities.DiscardByArea : PlatformCapabilities.None);

    // Granule words of a zone of 512 GiB.
    private const nuint LowTableBytesMax = 64 << 20;

    /// <inheritdoc/>
    public nuint PageBytes => _pageBytes;

    /// <inheritdoc/>
    public PlatformResult Reserve(nuint bytes, nuint alignment, out nuint address) =>
        Reserve(bytes, alignment, LibC.ProtReadWrite, out address);

    /// <inheritdoc/>
    public PlatformResult ReserveClosed(nuint bytes, nuint alignment, bool readable, out nuint address) =>
        Reserve(bytes, alignment, readable ? LibC.ProtRead : LibC.ProtNone, out address);

    /// <inheritdoc/>
    /// <remarks>Large tables stay out of the low addresses, which everybody in the process shares.</remarks>
    public PlatformResult ReserveTable(nuint bytes, bool closed, out nuint address)
    {
        const int Flags = LibC.MapPrivate | LibC.MapAnonymous | LibC.MapNoReserve | LibC.MapLow;
        int protection = closed ? LibC.ProtRead : LibC.ProtReadWrite;
        if (RuntimeInformation.ProcessArchitecture == Architecture.X64 && bytes <= LowTableBytesMax)
        {
            nint mapped = LibC.Map(0, RoundUp(bytes), protection, Flags, -1, 0);
            if (mapped != LibC.MapFailed)
            {
                address = (nuint)mapped;
                return PlatformResult.Success;
            }
        }

        return Reserve(bytes, _pageBytes, protection, out address);
    }

    /// <inheritdoc/>
    public PlatformResult Open(nuint address, nuint bytes) => Protect(address, bytes, accessible: true);

    private PlatformResult Reserve(nuint bytes, nuint alignment, int protection, out nuint address)
    {
        Debug.Assert(BitOperations.IsPow2(alignment) && alignment >= _pageBytes, "The alignment is a power of two of at least a page.");
        address = 0;
        nuint length = RoundUp(bytes);
        if (length < bytes || length + alignment < length)
        {
            return new PlatformResult(ErrorNumber.OutOfMemory);
        }

        // The kernel hands out neighbours, so a range whose length is a multiple of its alignment is often aligned by itself.
        PlatformResult result = MapAnonymous(length, protection, out nuint candidate);
        if (!result.Succeeded || (candidate & (alignment - 1)) == 0)
        {
            address = candidate;
            return result;
        }

        result = Unmap(candidate, length);
        return result.Succeeded ? ReserveTrimmed(length, alignment, protection, out address) : result;
    }

    /// <inheritdoc/>
    public PlatformResult Release(nuint address, nuint bytes) => Unmap(address, bytes);

    /// <inheritdoc/>
    public PlatformResult Resize(nuint address, nuint bytes, nuint newBytes, out nuint newAddress)
    {
        newAddress = 0;
        nuint length = RoundUp(newBytes);
        if (length < newBytes)
        {
            return new PlatformResult(ErrorNumber.OutOfMemory);
        }

        nint mapped = LibC.Remap(address, RoundUp(bytes), length, LibC.RemapMayMove);
        if (mapped == LibC.MapFailed)
        {
            return LibC.LastError();
        }

        newAddress = (nuint)mapped;
        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult Commit(nuint address, nuint bytes)
    {
        PlatformResult result;
        do
        {
            result = Advise(address, bytes, LibC.AdvisePopulateWrite);
        }
        while (result.Errno == ErrorNumber.Interrupted);

        if (result.Errno != ErrorNumber.Invalid)
        {
            return result;
        }

        // Kernels before 5.14 do not know the advice.
        PageTouch.Write(address, bytes, _pageBytes);
        return PlatformResult.Success;
    }

    /// <inheritdoc/>
    public PlatformResult AdviseHugePages(nuint address, nuint bytes, bool enabled) =>
        Advise(address, bytes, enabled ? LibC.AdviseHugePage : LibC.AdviseNoHugePage);

    /// <inheritdoc/>
    public PlatformResult Protect(nuint address, nuint bytes, bool accessible) =>
        IsWholePages(address, bytes)
            ? LibC.ResultOf(LibC.Protect(address, bytes, accessible ? LibC.ProtReadWrite : LibC.ProtNone))
            : new PlatformResult(ErrorNumber.Invalid);

    /// <inheritdoc/>
    public PlatformResult CountResident(nuint address, nuint bytes, out nuint pages)
    {
        const int PagesAtOnce = 2048;
        byte* residency = stackalloc byte[PagesAtOnce];
        pages = 0;
        nuint resident = 0;
        nuint end = address + RoundUp(bytes);
        for (nuint at = address; at < end; at += PagesAtOnce * _pageBytes)
        {
            nuint length = nuint.Min(end - at, PagesAtOnce * _pageBytes);
            if (LibC.InCore(at, length, residency) != 0)
            {
                return LibC.LastError();
            }

            for (nuint page = 0; page < length / _pageBytes; page++)
            {
                // Only the lowest bit has a meaning.
                resident += (nuint)(residency[page] & 1);
            }
        }

        pages = resident;
        return PlatformResult.Success;
    }

    /// <summary>
    /// The kernel rounds lengths up to whole pages and would take a neighbour's bytes along, so that anything but whole pages is refused here.
    /// </summary>
    private PlatformResult Advise(nuint address, nuint bytes, int advice) =>
        IsWholePages(address, bytes) ? LibC.ResultOf(LibC.Advise(address, bytes, advice)) : new PlatformResult(ErrorNumber.Invalid);

    private bool IsWholePages(nuint address, nuint bytes) => ((address | bytes) & (_pageBytes - 1)) == 0;

    private static PlatformResult MapAnonymous(nuint length, int protection, out nuint address)
    {
        const int Flags = LibC.MapPrivate | LibC.MapAnonymous | LibC.MapNoReserve;
        nint mapped = LibC.Map(0, length, protection, Flags, -1, 0);
        address = mapped == LibC.MapFailed ? 0 : (nuint)mapped;
        return mapped == LibC.MapFailed ? LibC.LastError() : PlatformResult.Success;
    }

    /// <summary>Maps more than enough and gives the unaligned ends back.</summary>
    private PlatformResult ReserveTrimmed(nuint length, nuint alignment, int protection, out nuint address)
    {
        address = 0;
        nuint slack = alignment - _pageBytes;
        PlatformResult result = MapAnonymous(length + slack, protection, out nuint start);
        if (!result.Succeeded)
        {
            return result;
        }

        nuint aligned = (start + slack) & ~(alignment - 1);
        nuint head = aligned - start;
        nuint tail = slack - head;
        result = Trim(start, head);
        if (!result.Succeeded)
        {
            _ = Unmap(start, length + slack);
            return result;
        }

        result = Trim(aligned + length, tail);
        if (!result.Succeeded)
        {
            // Cutting a piece out needs an entry in the table of mappings; giving all of it back may need none.
            _ = Unmap(aligned, length + tail);
            return result;
        }

        address = aligned;
        return PlatformResult.Success;
    }

    private PlatformResult Trim(nuint address, nuint bytes) => bytes == 0 ? PlatformResult.Success : Unmap(address, bytes);

    private nuint RoundUp(nuint bytes) => (bytes + _pageBytes - 1) & ~(_pageBytes - 1);
}
