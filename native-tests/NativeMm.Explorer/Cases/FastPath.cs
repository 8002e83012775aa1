namespace NativeMm.Explorer.Cases;

/// <summary>An operation that a thread repeats beside another thread, each on a core of its own.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Bar">Most writes to shared lines that one of them may make.</param>
/// <param name="Prepare">Makes the structure, and gives what each of the two threads repeats.</param>
internal sealed record FastPath(string Name, int Bar, Func<Func<int, Action>> Prepare);
