using NativeMm.Soak.Shadow;
using NativeMm.Zsmalloc;

namespace NativeMm.Soak.Holdings;

/// <summary>An object of a dense pool, which compaction and migration move.</summary>
internal sealed class ObjectHolding(ZsPool pool, ZsHandle handle, ulong stamp, int bytes) : Holding
{
    public static ObjectHolding Make(ZsPool pool, Owner owner, Chance chance)
    {
        owner.Kind = "object of a pool";
        int bytes = chance.Between(1, ZsPool.ObjectBytesMax);
        ZsHandle handle = pool.Alloc(bytes);
        Span<byte> data = stackalloc byte[bytes];
        ulong stamp = owner.NextStamp();
        Pattern.Fill(data, stamp);
        pool.Write(handle, data);
        return new ObjectHolding(pool, handle, stamp, bytes);
    }

    public override void Check(Owner owner, bool whole, Chance chance)
    {
        if (pool.SizeOf(handle) != bytes)
        {
            throw new FindingException(owner.ToString(), 0, $"{bytes} bytes", $"{pool.SizeOf(handle)}");
        }

        using ZsReadLease lease = pool.OpenRead(handle, stackalloc byte[ZsPool.ObjectBytesMax]);
        Pattern.Check(lease.Data, stamp, owner.ToString());
    }

    public override void End(Owner owner, Chance chance)
    {
        Check(owner, whole: true, chance);
        pool.Free(handle);
    }
}
