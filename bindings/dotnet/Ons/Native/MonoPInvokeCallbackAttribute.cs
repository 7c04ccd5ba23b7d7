#if !NET
using System;

namespace Ons.Native
{
    /// <summary>Ahead-of-time compilers of Mono find the methods that native code calls by an attribute of this name, wherever it is defined.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    internal sealed class MonoPInvokeCallbackAttribute(Type type) : Attribute
    {
        public Type Type { get; } = type;
    }
}
#endif
