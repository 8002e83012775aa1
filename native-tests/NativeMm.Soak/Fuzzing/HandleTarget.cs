using NativeMm.Diagnostics;
using NativeMm.Runtime;
using NativeMm.Soak.Shadow;
using NativeMm.Zsmalloc;

namespace NativeMm.Soak.Fuzzing;

/// <summary>Handles of a pool, most of them wrong: a live one works, any other is a fault, and no object of somebody else is touched.</summary>
internal sealed class HandleTarget : IFuzzTarget
{
    private const int LiveMax = 300;
    private const int FreedMax = 100;
    private const int CasesPerValidation = 20_000;
    private readonly MemoryRuntime _runtime = FuzzRuntime.Make();
    private readonly ZsPool _pool;
    private readonly ZsPool _otherPool;
    private readonly Dictionary<ulong, (int Bytes, ulong Stamp)> _live = [];
    private readonly List<ulong> _order = [];
    private readonly List<ulong> _freed = [];
    private readonly byte[] _data = new byte[ZsPool.ObjectBytesMax];
    private readonly byte[] _scratch = new byte[ZsPool.ObjectBytesMax];
    private readonly ulong _foreign;
    private int _cases;

    public HandleTarget()
    {
        _pool = _runtime.CreateZsPool(new ZsPoolOptions { AutoCompact = false });
        _otherPool = _runtime.CreateZsPool(new ZsPoolOptions { AutoCompact = false });
        _foreign = _otherPool.Alloc(100).Value;
    }

    public string Name => "handles";

    public void Run(Chance chance)
    {
        if (_live.Count == 0 || (_live.Count < LiveMax && chance.OneIn(4)))
        {
            Alloc(chance);
        }

        Use(new ZsHandle(AnyHandle(chance)), chance);
        if (chance.OneIn(5000))
        {
            _pool.Compact();
        }

        if (++_cases % CasesPerValidation == 0)
        {
            _runtime.Validate();
            Require(_otherPool.GetStatistics().Objects == 1, _foreign, "the object of the other pool", "that it is gone");
        }
    }

    public void Dispose() => _runtime.Dispose();

    private ulong AnyHandle(Chance chance)
    {
        ulong live = _order[chance.Below(_order.Count)];
        return chance.Below(8) switch
        {
            0 => chance.Next(),
            1 => live ^ (1UL << chance.Below(64)),
            2 when _freed.Count > 0 => _freed[chance.Below(_freed.Count)],
            3 => _foreign,
            4 => live + (ulong)chance.Between(-8, 8),
            5 when chance.OneIn(4) => (ulong)chance.Below(4) - 1,
            _ => live,
        };
    }

    private void Alloc(Chance chance)
    {
        int bytes = chance.Between(1, ZsPool.ObjectBytesMax);
        ZsHandle handle = _pool.Alloc(bytes);
        ulong stamp = chance.Next();
        Pattern.Fill(_data.AsSpan(0, bytes), stamp);
        _pool.Write(handle, _data.AsSpan(0, bytes));
        Require(_live.TryAdd(handle.Value, (bytes, stamp)), handle.Value, "a handle that nobody has", "one that is in use");
        _order.Add(handle.Value);
        _freed.Remove(handle.Value);
    }

    private void Use(ZsHandle handle, Chance chance)
    {
        bool isLive = _live.TryGetValue(handle.Value, out (int Bytes, ulong Stamp) known);
        bool worked = true;
        try
        {
            switch (chance.Below(4))
            {
                case 0:
                    Require(_pool.SizeOf(handle) == known.Bytes, handle.Value, $"{known.Bytes} bytes", "another number");
                    break;
                case 1:
                    using (ZsReadLease lease = _pool.OpenRead(handle, _scratch))
                    {
                        Require(lease.Data.Length == known.Bytes, handle.Value, $"{known.Bytes} bytes", $"{lease.Data.Length}");
                        Pattern.Check(lease.Data, known.Stamp, $"handle {handle}");
                    }

                    break;
                case 2:
                    Pattern.Fill(_data.AsSpan(0, isLive ? known.Bytes : 1), known.Stamp);
                    _pool.Write(handle, _data.AsSpan(0, isLive ? known.Bytes : 1));
                    break;
                default:
                    _pool.Free(handle);
                    Forget(handle.Value);
                    break;
            }
        }
        catch (MemoryFaultException)
        {
            worked = false;
        }

        Require(worked == isLive, handle.Value, isLive ? "that a live handle works" : "a fault for a handle of nothing", worked ? "that it works" : "a fault");
    }

    private void Forget(ulong handle)
    {
        _live.Remove(handle);
        _order.Remove(handle);
        _freed.Add(handle);
        if (_freed.Count > FreedMax)
        {
            _freed.RemoveAt(0);
        }
    }

    private static void Require(bool holds, ulong handle, string expected, string found)
    {
        if (!holds)
        {
            throw new FindingException($"handle {handle:x}", 0, expected, found);
        }
    }
}
