namespace NativeMm.Tests.Unit.Buffers;

/// <summary>Disposes something in its finalizer, but not in the first collection: by then the finalizer of that something has run.</summary>
internal sealed class LateDisposal(IDisposable victim)
{
    private static int s_done;
    private bool _again;

    ~LateDisposal()
    {
        if (!_again)
        {
            _again = true;
            GC.ReRegisterForFinalize(this);
            return;
        }

        victim.Dispose();
        Volatile.Write(ref s_done, 1);
    }

    /// <summary>Disposals that were made.</summary>
    public static int Done => Volatile.Read(ref s_done);
}
