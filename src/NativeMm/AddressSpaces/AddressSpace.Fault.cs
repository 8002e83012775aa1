using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using NativeMm.Primitives;

namespace NativeMm.AddressSpaces;

/// <content>What lies behind every access: the root of the tables, the hazards, and the faults.</content>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Addresses are below 2⁴⁷.</summary>
    internal const ulong AddressEnd = PageTables.Pages << Pfn.FrameShift;

    private const ulong OffsetMask = Pfn.FrameBytes - 1;

    private const ulong LeafMask = SharedTables.Entries - 1;

    // What an access that hits reads of the space: written when the space is made, and when it ends.
    private nuint _leaves;
    private nuint _root;
    private ulong _key;
    private PageFaults _faults;

    /// <summary>The faults.</summary>
    internal PageFaults Faults => _faults;

    /// <summary>The tables.</summary>
    internal PageTables Tables => _tables;

    [MemberNotNull(nameof(_faults))]
    private void BeginAccess()
    {
        _faults = new PageFaults(_tables, _layout, Options.FaultMode, Options.FaultPermitsInForce);
        _key = _tables.Key;
        _root = (nuint)_tables.Root;
        _tables.BeginLeaves(LeafMap.Reserve(_frames.Zone.Platform));
        _leaves = _tables.Leaves.Words;
    }

    /// <summary>Accesses that begin from here on find nothing. The fence before the tables are freed makes all others known by their hazards.</summary>
    private void EndAccess()
    {
        Atomic.StoreRelease(ref _leaves, LeafMap.None);
        Atomic.StoreRelease(ref _root, (nuint)SharedTables.Empty(PageTables.RootLevel));
    }

    /// <summary>Makes a page accessible; see <see cref="PageFaults.Handle"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal void Fault(ulong page, PageAccess access, int offset = 0) => _faults.Handle<NoPause>(page, access, offset);

    private static void CheckRange(long address, long length)
    {
        if ((ulong)address > AddressEnd || (ulong)length > AddressEnd - (ulong)address)
        {
            ThrowRange(address, length);
        }
    }

    private static void ThrowRange(long address, long length) =>
        throw new ArgumentOutOfRangeException(
            nameof(address), $"Addresses of a space are 0 to 0x{AddressEnd - 1:x}; {length} bytes at 0x{address:x} are not.");
}
