namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Disposes something in its finalizer, but not in the first two collections: by then the finalizer of that something has run, and done its work.</summary>
internal sealed class LateDisposal(IDisposable victim)
{
    private static int s_done;
    private int _runs;

    ~LateDisposal()
    {
        if (++_runs <= 2)
        {
            GC.ReRegisterForFinalize(this);
            return;
        }

        victim.Dispose();
        Volatile.Write(ref s_done, 1);
    }

    /// <summary>Disposals that were made.</summary>
    public static int Done => Volatile.Read(ref s_done);
}
