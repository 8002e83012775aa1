using System.Reflection;
using Mono.Cecil;
using NativeMm.Explorer.Verbs;

namespace NativeMm.Explorer.Rewriting;

/// <summary>What the rewritten library calls in place of what the library calls.</summary>
internal sealed class Substitutions
{
    private static readonly Dictionary<string, Type> s_whole = new()
    {
        ["System.Threading.Volatile"] = typeof(ModelVolatile),
        ["System.Threading.Interlocked"] = typeof(ModelInterlocked),
    };

    private static readonly Dictionary<string, string> s_single = new()
    {
        ["System.Threading.Thread::get_CurrentThread"] = "get_CurrentThread",
        ["System.Threading.Thread::get_IsAlive"] = nameof(ModelThread.IsAlive),
        ["System.Threading.Thread::Yield"] = nameof(ModelThread.Yield),
        ["System.Threading.Thread::SpinWait"] = nameof(ModelThread.SpinWait),
        ["System.Threading.Thread::Sleep"] = nameof(ModelThread.Sleep),
        ["System.Threading.Thread::GetCurrentProcessorId"] = nameof(ModelThread.GetCurrentProcessorId),
        ["System.Environment::get_CurrentManagedThreadId"] = "get_CurrentManagedThreadId",
        ["System.Environment::get_ProcessorCount"] = "get_ProcessorCount",
        ["System.Environment::get_TickCount64"] = "get_TickCount64",
        ["System.Diagnostics.Stopwatch::GetTimestamp"] = nameof(ModelThread.GetTimestamp),
    };

    private static readonly Dictionary<string, string> s_bodies = new()
    {
        ["NativeMm.Primitives.Backoff::Wait"] = nameof(ModelThread.Wait),
        ["NativeMm.Platform.SystemThread::CurrentId"] = nameof(ModelThread.SystemId),
        ["NativeMm.Platform.ThreadEndWords::TryWatch"] = nameof(ModelThread.TryWatch),
        ["NativeMm.Platform.ThreadStack::TryGetBounds"] = nameof(ModelThread.TryGetStackBounds),
        ["NativeMm.Platform.SystemThread::IsGone"] = nameof(ModelThread.IsGone),
    };

    private readonly ModuleDefinition _module;
    private readonly Dictionary<string, MethodReference> _wholes = [];

    public Substitutions(ModuleDefinition module)
    {
        _module = module;
        foreach ((string name, Type type) in s_whole)
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                MethodReference reference = module.ImportReference(method);
                _wholes[Key(name, reference)] = reference;
            }
        }
    }

    /// <summary>What to call instead of a method, or null: the method itself.</summary>
    public MethodReference? For(MethodReference called)
    {
        string type = called.DeclaringType.FullName;
        if (s_whole.ContainsKey(type))
        {
            MethodReference substitute = _wholes.TryGetValue(Key(type, called.GetElementMethod()), out MethodReference? found)
                ? found
                : throw new NotSupportedException($"The model has no {called.FullName}: add it to its verbs.");
            return called is GenericInstanceMethod generic ? WithArguments(substitute, generic) : substitute;
        }

        return type == "System.Threading.Thread" && called.Name == "Join"
            ? called.Parameters is [{ ParameterType.FullName: "System.Int32" }] ? Verb(nameof(ModelThread.Join)) : null
            : s_single.TryGetValue($"{type}::{called.Name}", out string? verb) ? Verb(verb) : null;
    }

    /// <summary>What a method of the library does instead of what it says, or null.</summary>
    public MethodReference? BodyFor(MethodDefinition method) =>
        method.DeclaringType.FullName == "NativeMm.Primitives.Atomic" && method.Name.EndsWith("Relaxed", StringComparison.Ordinal)
            ? _wholes[Key("System.Threading.Volatile", method)]
            : s_bodies.TryGetValue($"{method.DeclaringType.FullName}::{method.Name}", out string? verb) ? Verb(verb) : null;

    private static GenericInstanceMethod WithArguments(MethodReference method, GenericInstanceMethod like)
    {
        var instance = new GenericInstanceMethod(method);
        foreach (TypeReference argument in like.GenericArguments)
        {
            instance.GenericArguments.Add(argument);
        }

        return instance;
    }

    private static string Key(string type, MethodReference method)
    {
        // What a method takes, without the marks of `in` and `ref readonly`, and with type parameters all alike.
        IEnumerable<string> taken = method.Parameters.Select(parameter => Plain(parameter.ParameterType));
        return $"{type}::{method.Name}({string.Join(", ", taken)})";
    }

    private static string Plain(TypeReference type)
    {
        while (type is RequiredModifierType modified)
        {
            type = modified.ElementType;
        }

        return type is ByReferenceType reference ? Plain(reference.ElementType) + "&" : type.IsGenericParameter ? "T" : type.FullName;
    }

    private MethodReference Verb(string name) => _module.ImportReference(typeof(ModelThread).GetMethod(name));
}
