using NativeMm.Diagnostics;
using NativeMm.Heap;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;

namespace NativeMm.Soak.Fuzzing;

/// <summary>
/// Addresses that are no blocks. What is found at the call must be found there; mistakes that are found later, or never, are not made: after those anything
/// may happen.
/// </summary>
internal sealed unsafe class PointerTarget : IFuzzTarget
{
    private const int LiveMax = 400;
    private const int CasesPerValidation = 20_000;
    private readonly MemoryRuntime _runtime = FuzzRuntime.Make();
    private readonly NativeHeap _heap;
    private readonly NativeHeap _otherHeap;
    private readonly nint[] _foreign = new nint[8];
    private readonly Dictionary<nuint, (nuint Bytes, ulong Stamp)> _live = [];
    private readonly List<nuint> _order = [];
    private int _cases;

    public PointerTarget()
    {
        _heap = _runtime.Heap;
        _otherHeap = _runtime.CreateHeap("other");
        for (int i = 0; i < _foreign.Length; i++)
        {
            _foreign[i] = (nint)_otherHeap.Alloc((nuint)64 << i);
        }
    }

    public string Name => "pointers";

    public void Run(Chance chance)
    {
        if (_order.Count == 0 || (_order.Count < LiveMax && chance.OneIn(4)))
        {
            Alloc(chance);
        }

        nuint live = _order[chance.Below(_order.Count)];
        switch (chance.Below(8))
        {
            case 0:
                Wrong(chance.Next() is var any && IsFarFromZone((nuint)any) ? (nuint)any : 1, chance);
                break;
            case 1:
                Wrong(live + (nuint)chance.Between(1, 15), chance);
                break;
            case 2:
                Wrong((nuint)_foreign[chance.Below(_foreign.Length)], chance);
                break;
            case 3 when _live[live].Bytes > 2 << 20:
                Wrong(live + (16 * (nuint)chance.Between(1, (2 << 20) / 16)), chance);
                break;
            case 4:
                Inside(live, chance);
                break;
            case 5:
                AnywhereInZone(chance);
                break;
            case 6:
                Null();
                break;
            default:
                Right(live, chance);
                break;
        }

        if (++_cases % CasesPerValidation == 0)
        {
            _runtime.Validate();
        }
    }

    public void Dispose() => _runtime.Dispose();

    private bool IsFarFromZone(nuint address) =>
        !_runtime.Frames.Zone.Contains((void*)address) && !_live.Any(block => address - block.Key < block.Value.Bytes + 4096);

    private void Alloc(Chance chance)
    {
        nuint bytes = (nuint)(chance.OneIn(200) ? chance.Between((2 << 20) + 1, 3 << 20) : chance.Between(1, 5000));
        nuint block = (nuint)_heap.Alloc(bytes);
        ulong stamp = chance.Next();
        Pattern.Fill((byte*)block, bytes, stamp);
        Require(_live.TryAdd(block, (bytes, stamp)), block, "a block that nobody has", "one that is in use");
        _order.Add(block);
    }

    /// <summary>Any verb must refuse it.</summary>
    private void Wrong(nuint address, Chance chance)
    {
        int verb = chance.Below(chance.OneIn(16) ? 4 : 3);
        bool refused = false;
        try
        {
            switch (verb)
            {
                case 0:
                    _heap.Free((void*)address);
                    break;
                case 1:
                    _ = _heap.UsableSize((void*)address);
                    break;
                case 2:
                    _ = _heap.Realloc((void*)address, (nuint)chance.Between(1, 5000));
                    break;
                default:
                    refused = !_heap.Owns((void*)address);
                    break;
            }
        }
        catch (MemoryFaultException fault)
        {
            refused = fault.Address == address;
        }

        Require(refused, address, $"a fault of that address from verb {verb}", "none");
    }

    /// <summary>A multiple of 16 inside a block: its size is refused.</summary>
    private void Inside(nuint block, Chance chance)
    {
        nuint usable = _heap.UsableSize((void*)block);
        if (usable <= 16)
        {
            return;
        }

        nuint address = block + (16 * (nuint)chance.Between(1, (int)(usable / 16) - 1));
        bool refused = false;
        try
        {
            _ = _heap.UsableSize((void*)address);
        }
        catch (MemoryFaultException)
        {
            refused = true;
        }

        Require(refused, address, $"a fault: the address lies in the block of {usable} bytes at {block:x}", "a size");
    }

    /// <summary>Free, in use or never used: only questions, and no answer but for a block.</summary>
    private void AnywhereInZone(Chance chance)
    {
        nuint address = _runtime.Frames.Zone.BaseAddress + ((nuint)chance.Next() % _runtime.Frames.Zone.Bytes);
        address = chance.OneIn(2) ? address & ~(nuint)15 : address;
        try
        {
            _ = _heap.UsableSize((void*)address);
        }
        catch (MemoryFaultException)
        {
            // Most are nobody's.
        }

        if (chance.OneIn(16))
        {
            Require(_heap.Owns((void*)address) == _live.ContainsKey(address), address, "that only blocks in use are owned", "another answer");
        }
    }

    private void Null()
    {
        _heap.Free(null);
        Require(_heap.UsableSize(null) == 0 && !_heap.Owns(null), 0, "that null is nothing", "something");
    }

    private void Right(nuint block, Chance chance)
    {
        (nuint bytes, ulong stamp) = _live[block];
        Pattern.Check((byte*)block, bytes, stamp, whole: true, "block");
        Require(_heap.UsableSize((void*)block) >= bytes, block, $"{bytes} bytes or more", "fewer");
        _live.Remove(block);
        _order.Remove(block);
        if (chance.OneIn(2))
        {
            _heap.Free((void*)block);
            return;
        }

        nuint wanted = (nuint)chance.Between(1, 5000);
        nuint moved = (nuint)_heap.Realloc((void*)block, wanted);
        Pattern.Check((byte*)moved, nuint.Min(bytes, wanted), stamp, whole: true, "resized block");
        Pattern.Fill((byte*)moved, wanted, stamp);
        Require(_live.TryAdd(moved, (wanted, stamp)), moved, "a block that nobody has", "one that is in use");
        _order.Add(moved);
    }

    private static void Require(bool holds, nuint address, string expected, string found)
    {
        if (!holds)
        {
            throw new FindingException("pointer", address, expected, found);
        }
    }
}
