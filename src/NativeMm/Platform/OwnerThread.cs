namespace NativeMm.Platform;

/// <summary>
/// A thread that owns something which others may take over once it is gone. .NET lets go of a thread before the system does: destructors of native
/// thread-specific data run after that, and if one of them calls managed code, .NET makes a new <see cref="Thread"/> for the same system thread.
/// Thread statics that hold references are fresh then; those that are nothing but a number or a pointer are still there.
/// </summary>
internal sealed class OwnerThread
{
    [ThreadStatic]
    private static OwnerThread? t_current;

    private readonly Thread _thread = Thread.CurrentThread;
    private readonly int _id = SystemThread.CurrentId();

    private OwnerThread()
    {
    }

    /// <summary>The calling thread. Another object when .NET came to know the same system thread anew.</summary>
    public static OwnerThread Current => t_current ??= new OwnerThread();

    /// <summary>Whether .NET has let go of the thread: it will never again use what it reached through a reference.</summary>
    public bool HasLeft => !_thread.IsAlive;

    /// <summary>
    /// Whether the system has no such thread any more, so that nothing runs on it ever again. False for ever where the system cannot be asked, and
    /// as long as another thread has the number. It needs a system call.
    /// </summary>
    public bool IsGone => SystemThread.IsGone(_id);

    /// <summary>Whether both are one system thread, or one of them has the number of the other, which is gone then.</summary>
    public bool HasNumberOf(OwnerThread other) => _id != 0 && _id == other._id;
}
