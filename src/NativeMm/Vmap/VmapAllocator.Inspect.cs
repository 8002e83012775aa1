using System.Globalization;
using NativeMm.Primitives;

namespace NativeMm.Vmap;

/// <content>Looking: which range an address lies in, what is in it, and the list of all ranges.</content>
public sealed unsafe partial class VmapAllocator
{
    private const int Attempts = 100;

    /// <summary>The range that an address lies in, in whatever state; its guard page belongs to it. Without a lock.</summary>
    /// <param name="address">Any address.</param>
    /// <returns>The range as it was at one moment, or null.</returns>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public VmapAreaInfo? FindArea(void* address)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        nuint offset = (nuint)address - _window;
        if (offset >= _windowBytes)
        {
            return null;
        }

        uint page = (uint)(offset >> Pfn.FrameShift);
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        VmapAreaInfo? area = record == 0 ? null : Snapshot(record, out PageRange range) is { } found && page - range.Start < range.Pages ? found : null;
        GC.KeepAlive(this);
        return area;
    }

    /// <summary>
    /// Copies what ranges of the program hold, whatever else lies between: holes, guard pages, and freed ranges read as zero. Never faults.
    /// </summary>
    /// <param name="address">Where to begin; any address.</param>
    /// <param name="destination">Where the bytes go.</param>
    /// <returns>How many of the bytes came out of ranges.</returns>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public nuint Read(void* address, Span<byte> destination)
    {
        using EndGate.Visit inside = _end.Visiting(this);
        nuint present = 0;
        nuint at = (nuint)address;
        while (!destination.IsEmpty)
        {
            int length = (int)nuint.Min((nuint)destination.Length, Pfn.FrameBytes - (at & (Pfn.FrameBytes - 1)));
            present += TryReadPage(at, destination[..length]) ? (nuint)length : 0;
            destination = destination[length..];
            at += (nuint)length;
        }

        GC.KeepAlive(this);
        return present;
    }

    /// <summary>All ranges in the order of their addresses: those in use, and those that are freed but still mapped.</summary>
    /// <returns>A copy of this moment; empty when there are none.</returns>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    public IReadOnlyList<VmapAreaInfo> GetAreas()
    {
        using EndGate.Visit inside = _end.Visiting(this);
        var areas = new List<VmapAreaInfo>();
        uint end = _areas.End;
        for (uint record = 1; record < end; record++)
        {
            if (Snapshot(record, out _) is { State: not VmapAreaState.None } area)
            {
                areas.Add(area);
            }
        }

        GC.KeepAlive(this);
        areas.Sort((left, right) => left.Address.CompareTo(right.Address));
        return areas;
    }

    /// <summary>
    /// Writes a line for each range in the shape of <c>/proc/vmallocinfo</c>: begin, end, bytes with the guard page, what it is, pages, mappings, flags.
    /// </summary>
    /// <param name="writer">Where to write.</param>
    /// <exception cref="ObjectDisposedException">The allocator is disposed.</exception>
    /// <exception cref="ArgumentNullException">The writer is null.</exception>
    public void WriteAreas(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        foreach (VmapAreaInfo area in GetAreas())
        {
            nuint bytes = (nuint)(area.Pages + area.GuardPages) << Pfn.FrameShift;
            string what = area.State switch
            {
                VmapAreaState.Lazy => "unpurged vm_area",
                VmapAreaState.Pooled => "pooled vm_area",
                VmapAreaState.Block => "vm_map_ram",
                _ => area.Kind switch
                {
                    VmapAreaKind.Map => "vmap",
                    VmapAreaKind.PerCore => "vmalloc per_core",
                    _ => "vmalloc",
                },
            };
            string flags = area.Flags == VmapFlags.None ? "" : $" flags={area.Flags}";
            writer.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"0x{area.Address:x16}-0x{area.Address + bytes:x16} {bytes,9} {what} pages={area.Pages} mappings={area.Mappings}{flags}"));
        }
    }

    /// <summary>A record as it was at one moment, or null when it changed all the time.</summary>
    private VmapAreaInfo? Snapshot(uint record, out PageRange range)
    {
        VmapArea* area = _areas.Records + record;
        for (int attempt = 0; attempt < Attempts; attempt++)
        {
            if (!area->Version.TryBeginRead(out ulong version))
            {
                continue;
            }

            range = area->Range;
            var info = new VmapAreaInfo(
                _mapper.AddressOf(range.Start),
                area->Bytes,
                area->Pages,
                area->GuardPages,
                area->Mappings,
                (VmapAreaKind)area->Kind,
                area->ReadWord().State,
                (VmapFlags)area->Flags);
            if (area->Version.IsUnchanged(version))
            {
                return info;
            }
        }

        range = default;
        return null;
    }

    /// <summary>
    /// Reads part of a page through the zone's own mapping, which always stands, and looks afterwards whether the page had one owner throughout.
    /// </summary>
    private bool TryReadPage(nuint address, Span<byte> destination)
    {
        nuint offset = address - _window;
        if (offset < _windowBytes)
        {
            uint page = (uint)(offset >> Pfn.FrameShift);
            var backoff = default(Backoff);
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                if (TryCopy(page, (uint)(address & (Pfn.FrameBytes - 1)), destination) is { } readable)
                {
                    if (readable)
                    {
                        return true;
                    }

                    break;
                }

                backoff.Wait();
            }
        }

        destination.Clear();
        return false;
    }

    /// <summary>Copies a part of a page once.</summary>
    /// <returns>Whether it can be read; null when its range changed meanwhile, so that it has to be looked at again.</returns>
    private bool? TryCopy(uint page, uint offset, Span<byte> destination)
    {
        uint record = Atomic.LoadAcquire(ref _areas.AreaOf[page]); // [V2] pairs with [V1]
        if (record == 0)
        {
            return false;
        }

        VmapArea* area = _areas.Records + record;
        if (!area->Version.TryBeginRead(out ulong version))
        {
            return null;
        }

        uint slot = IsReadable(area, page) ? Atomic.LoadAcquire(ref _areas.FrameOf[page]) : 0;
        if (slot == 0)
        {
            return area->Version.IsUnchanged(version) ? false : null;
        }

        new ReadOnlySpan<byte>((byte*)_zone.AddressOf(new Pfn(slot - 1)) + offset, destination.Length).CopyTo(destination);
        Atomic.ReadFence(); // [V4] pairs with [V3]: bytes that somebody wrote after the end of this owner show that end here.
        bool stood = IsReadable(area, page) && Atomic.LoadAcquire(ref _areas.FrameOf[page]) == slot;

        // The state before the version: busy by the grace of the next owner comes with his version.
        return area->Version.IsUnchanged(version) ? stood : null;
    }

    /// <summary>Whether a page is the program's, by a record of which the caller checks the version afterwards.</summary>
    private bool IsReadable(VmapArea* area, uint page) => area->ReadWord().State switch
    {
        VmapAreaState.Busy => page - area->Start < area->Pages,
        VmapAreaState.Block => BlockAt(page) is { } block && page - block.Start < VmapBlock.Pages && block.IsUsed(page - block.Start),
        _ => false,
    };
}
